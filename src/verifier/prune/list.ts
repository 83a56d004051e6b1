/** One saved state in the bucket of its instruction, `struct bpf_verifier_state_list`. */
import type { VerifierState } from '../state/state.ts';

export interface StateList {
  readonly state: VerifierState;
  /** it is complete, and keeps only what was read of it */
  cleaned: boolean;
  next: StateList | undefined;
  misses: number;
  hits: number;
}

/** What the buckets depend on: the program's length, and which call the current frame is of. */
interface Walked {
  readonly insns: { readonly length: number };
  readonly frame: { readonly callsite: number };
}

/** Bucket of the states saved at an instruction; calls from different places are spread. */
export const bucketOf = (env: Walked, insnIdx: number): number =>
  ((insnIdx ^ env.frame.callsite) >>> 0) % env.insns.length;
