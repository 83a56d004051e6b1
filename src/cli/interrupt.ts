/** Ctrl-C while something runs that can be ended with a summary; before and after it ends the process as everywhere. */

/** Exit code of a run that was interrupted: 128 and SIGINT's number, as shells have it. */
export const INTERRUPTED = 130;

/** From now on Ctrl-C aborts the signal; a second one ends the process at once. */
export function onInterrupt(): { readonly signal: AbortSignal; forget(): void } {
  const interrupt = new AbortController();
  const abort = () => interrupt.abort();
  process.once('SIGINT', abort);
  return { signal: interrupt.signal, forget: () => void process.off('SIGINT', abort) };
}
