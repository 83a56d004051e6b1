/**
 * How soon V8 optimises, for commands whose work is mostly short. By default it takes 132 KB of executed
 * bytecode for a reason to compile; the stepper's main loop has that within milliseconds, takes longer to
 * compile than a short replay has left, and the process waits for the compiler before it can end.
 */
import { setFlagsFromString } from 'node:v8';

/** Bytes of bytecode that a function executes before it counts as hot: some tens of milliseconds of it. */
const PATIENCE = 10_000_000;

/** From now on only what keeps running is optimised. Long replays are as fast as before once they have begun. */
export function optimiseLater(): void {
  // Flags are part of what V8 checks a code cache against: a run that makes one keeps the defaults.
  if (!process.env['EBPF_EMU_CODE_CACHE']) setFlagsFromString(`--interrupt-budget=${PATIENCE}`);
}
