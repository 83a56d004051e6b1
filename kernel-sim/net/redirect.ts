/** `struct bpf_redirect_info`: where the program that has just run wants its packet to go, until the stack asks. */
import { capture, type Stateful } from '../core/state.ts';

/** BPF_F_INGRESS of bpf_redirect */
export const F_INGRESS = 1;

export type Target =
  | { readonly kind: 'device'; readonly index: number; readonly flags: number }
  | { readonly kind: 'cpu'; readonly cpu: number }
  | { readonly kind: 'xsk' };

export class Redirect implements Stateful {
  #target: Target | undefined;
  save() {
    return capture({ target: this.#target });
  }
  restore(state: ReturnType<Redirect['save']>): void {
    this.#target = state.back().target;
  }
  set(target: Target): void {
    this.#target = target;
  }
  /** The target, which is forgotten then. */
  take(): Target | undefined {
    const target = this.#target;
    this.#target = undefined;
    return target;
  }
}
