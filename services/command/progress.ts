/** Progress on long work: one line that is drawn over on a terminal, nothing where output is not one. */
export interface Progress {
  /** `done` of the total that was named, in the same unit. */
  update(done: number, note?: string): void;
  /** Removes the line. */
  end(): void;
}

const redrawMs = 100;
const barWidth = 24;

/** `what` is being done, `total` in any unit. Draws on standard error. */
export function showProgress(
  what: string,
  total: number,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  if (!stream.isTTY) return { update: () => {}, end: () => {} };
  const startedMs = performance.now();
  let drawnMs = 0;
  return {
    update(done, note = "") {
      const nowMs = performance.now();
      if (nowMs - drawnMs < redrawMs && done < total) return;
      drawnMs = nowMs;
      const share = total > 0 ? Math.min(1, done / total) : 1;
      const filled = Math.round(share * barWidth);
      const leftSeconds =
        share > 0.02 ? ((nowMs - startedMs) / share - (nowMs - startedMs)) / 1000 : undefined;
      const left = leftSeconds === undefined ? "" : `  ${formatSeconds(leftSeconds)} left`;
      stream.write(
        `\r\x1b[2K${what}  ${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${Math.round(share * 100)} %${left}${note === "" ? "" : `  ${note}`}`,
      );
    },
    end() {
      stream.write("\r\x1b[2K");
    },
  };
}

export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
