/**
 * What a gdb is told that comes to a program which cannot run: the reason, as the answer to whatever it asks (GDB manual, appendix E.2:
 * `E.errtext`). It shows that and ends the connection itself.
 */
import type { Answer, Answering } from './connection.ts';

export class RefusalStub implements Answering {
  readonly #reason: string;

  /** @param reason one line */
  constructor(reason: string) {
    this.#reason = reason;
  }
  interrupt(): void {}
  handle(packet: string): Promise<Answer> {
    if (packet === 'k' || /^D(;|$)/.test(packet)) return Promise.resolve({ send: [], ends: true });
    return Promise.resolve({ send: [`E.${this.#reason}`] });
  }
}
