/** The promise's outcome, or the reason of the first signal that aborts before; the promise itself goes on. */
export function untilAborted<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  const any = AbortSignal.any([...signals]);
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(any.reason);
    const finish = () => any.removeEventListener("abort", onAbort);
    if (any.aborted) onAbort();
    else any.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        finish();
        resolve(value);
      },
      (error) => {
        finish();
        reject(error);
      },
    );
  });
}
