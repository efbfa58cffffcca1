/**
 * The launcher (`foreshock.mjs`) passes signals on, but one that is killed passes none. Its end shows as the end of the channel
 * that it holds, and this process then stops as on SIGTERM, instead of living on unseen with ports and data in its hands.
 */
export function stopWithLauncher(): void {
  if (process.channel === undefined) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The channel alone keeps no command from ending.
  process.channel?.unref();
}
