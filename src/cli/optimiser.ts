/**
 * How soon V8 optimises, for commands whose work is mostly short. By default a function counts as hot within
 * milliseconds, takes longer to compile than a short replay has left, and the process waits for the compiler before
 * it can end.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function of JavaScript executes before it counts as hot: some tens of milliseconds of it. */
const PATIENCE = 10_000_000;
/**
 * The same for WebAssembly, and V8's default. V8 counts the bytes that a loop jumps back over: the stepping loop has
 * kilobytes of them in each operation, so that this is some hundred thousand operations.
 */
const LOOP_PATIENCE = 2_000_000_000;
const USUAL = 1_800_000;

/**
 * From now on only what keeps running is optimised. Long replays are as fast as before once they have begun.
 * `boot` makes the machine, and with it the stepping loop; modules that are made later are translations, which are hot.
 */
export async function optimiseLater<T>(boot: () => Promise<T>): Promise<T> {
  // Flags are part of what V8 checks a code cache against: a run that makes one keeps the defaults.
  if (process.env['EBPF_EMU_CODE_CACHE']) return boot();
  // V8 12 (Node 22) counts calls instead, and complains on stderr of a flag that it does not know
  if (Number.parseInt(process.versions.v8, 10) < 12) setFlagsFromString(`--interrupt-budget=${PATIENCE}`);
  setFlagsFromString(`--wasm-tiering-budget=${LOOP_PATIENCE}`);
  const booted = await boot();
  setFlagsFromString(`--wasm-tiering-budget=${USUAL}`);
  return booted;
}
