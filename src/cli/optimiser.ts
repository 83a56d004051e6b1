/**
 * How soon V8 optimises, for commands whose work is mostly short. By default a function counts as hot within
 * milliseconds, takes longer to compile than a short replay has left, and the process waits for the compiler before
 * it can end. bin/ebpf-emu.cjs sets the first flag for these commands already before the bundle is executed.
 */
import { setFlagsFromString } from 'node:v8';

/**
 * Bytes of bytecode that a function of JavaScript executes before it counts as hot: some milliseconds of it. A short replay
 * takes a third longer with V8's own; one of 40,000 calls takes twice as long with thirty times this.
 */
const PATIENCE = 300_000;
/** V8's default in Node 20. */
const USUAL = 67_584;
/**
 * The same for WebAssembly, and V8's default. V8 counts the bytes that a loop jumps back over: the stepping loop has
 * kilobytes of them in each operation, so that this is some hundred thousand operations.
 */
const LOOP_PATIENCE = 2_000_000_000;
const LOOP_USUAL = 1_800_000;

/** Flags are part of what V8 checks a code cache against: a run that makes one keeps the defaults. */
const makesCache = (): boolean => process.env['EBPF_EMU_CODE_CACHE'] !== undefined;

/** V8 12 (Node 22) counts calls instead, and complains on stderr of a flag that it does not know. */
function setBudget(bytes: number): void {
  if (Number.parseInt(process.versions.v8, 10) < 12) setFlagsFromString(`--interrupt-budget=${bytes}`);
}

/**
 * From now on only what keeps running is optimised. Long replays are as fast as before once they have begun.
 * `boot` makes the machine, and with it the stepping loop; modules that are made later are translations, which are hot.
 */
export async function optimiseLater<T>(boot: () => Promise<T>): Promise<T> {
  if (makesCache()) return boot();
  setBudget(PATIENCE);
  setFlagsFromString(`--wasm-tiering-budget=${LOOP_PATIENCE}`);
  const booted = await boot();
  setFlagsFromString(`--wasm-tiering-budget=${LOOP_USUAL}`);
  return booted;
}

/** The short part is over. */
export function optimiseAsUsual(): void {
  if (!makesCache()) setBudget(USUAL);
}
