/** One saved state in the bucket of its instruction, `struct bpf_verifier_state_list`. */
import type { VerifierState } from '../state/state.ts';

export interface StateList {
  readonly state: VerifierState;
  next: StateList | undefined;
  misses: number;
  hits: number;
}
