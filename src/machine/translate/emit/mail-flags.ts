/** Flags on their way between a unit's locals and the mailbox, where other code and the host have them. */
import { type FunctionBody, OP } from '../../wasm/encoder.ts';
import { MAIL } from '../ir/mailbox.ts';
import type { Locals } from './locals.ts';

/** Locals and mailbox words of the flags. */
const flagPlaces = (l: Locals): readonly (readonly [number, number, boolean])[] => [
  [l.code, MAIL.code, false],
  [l.over, MAIL.over, false],
  [l.a, MAIL.a, true],
  [l.b, MAIL.b, true],
  [l.oa, MAIL.oa, true],
  [l.ob, MAIL.ob, true],
];

export function loadFlags(body: FunctionBody, l: Locals): void {
  for (const [local, at, wide] of flagPlaces(l))
    body
      .i32(0)
      .mem(OP[wide ? 'i64.load' : 'i32.load'], at)
      .set(local);
}

export function storeFlags(body: FunctionBody, l: Locals): void {
  for (const [local, at, wide] of flagPlaces(l))
    body
      .i32(0)
      .get(local)
      .mem(OP[wide ? 'i64.store' : 'i32.store'], at);
}

/** Pushes the status flags, computed by the host from the mailbox. */
export function emitSettled(body: FunctionBody, l: Locals, settle: number): void {
  storeFlags(body, l);
  body.call(settle);
}
