/** Cookies of sockets, SO_COOKIE of socket(7): a number that no other socket ever has, given when it is first asked for. */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, reinstate, type Stateful } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';

export class SocketCookies implements Stateful {
  readonly #kernel: Ground;
  #last = 0;
  constructor(kernel: Ground) {
    this.#kernel = kernel;
  }
  save() {
    return capture({ last: this.#last });
  }
  restore(state: ReturnType<SocketCookies['save']>): void {
    this.#last = reinstate(state).last;
  }
  /** `sock_gen_cookie`, of a `struct sock`; 0 of none */
  of(sk: Addr): number {
    if (sk === 0) return 0;
    const { memory, structs } = this.#kernel;
    const at = sk + structs.of('sock').offset('__sk_common.skc_cookie');
    const known = memory.readAddr(at);
    if (known !== 0) return known;
    memory.writeAddr(at, ++this.#last);
    return this.#last;
  }
}
