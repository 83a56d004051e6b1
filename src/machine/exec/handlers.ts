/** Mnemonic to semantics: every row of the x86 table has its handler here. */
import type { Form } from '../../x86/index.ts';
import { aluHandlers } from './alu.ts';
import { bitHandlers } from './bits.ts';
import type { Handler } from './context.ts';
import { controlHandlers } from './control.ts';
import { moveHandlers } from './move.ts';
import { muldivHandlers } from './muldiv.ts';
import { shiftHandlers } from './shift.ts';
import { stringHandlers } from './string.ts';
import { systemHandlers } from './system.ts';
import { vectorHandlerOf } from './vector/handlers.ts';

const all: Readonly<Record<string, Handler>> = {
  ...aluHandlers,
  ...shiftHandlers,
  ...muldivHandlers,
  ...bitHandlers,
  ...moveHandlers,
  ...stringHandlers,
  ...controlHandlers,
  ...systemHandlers,
};

/** @throws Error for a row without semantics, which a test says cannot be */
export function handlerOf(f: Form): Handler {
  if (f.vector) return vectorHandlerOf(f);
  const handler = all[f.mnemonic];
  if (handler === undefined) throw new Error(`x86 row '${f.syntax}' has no semantics`);
  return handler;
}
