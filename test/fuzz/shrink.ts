/** Programs a little smaller than one: an item gone, a block in its place, a loop turned once. */
import type { Item, Program } from './grammar.ts';

export function* smaller(program: Program): IterableIterator<Program> {
  for (const main of shrinkList(program.main)) yield { ...program, main };
  for (const [n, item] of program.main.entries()) {
    if (item.kind !== 'call') continue;
    const { body } = program.funcs[item.func]!;
    yield { ...program, main: [...program.main.slice(0, n), ...body, ...program.main.slice(n + 1)] };
  }
  for (const [n, func] of program.funcs.entries()) {
    for (const body of shrinkList(func.body)) {
      yield { ...program, funcs: program.funcs.map((f, i) => (i === n ? { ...func, body } : f)) };
    }
  }
  for (const [n, value] of program.initial.entries()) {
    if (value !== 0n) yield { ...program, initial: program.initial.map((v, i) => (i === n ? 0n : v)) };
  }
}

function* shrinkList(list: readonly Item[]): IterableIterator<readonly Item[]> {
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at + size <= list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
  }
  for (const [n, item] of list.entries()) {
    const put = (...items: Item[]): readonly Item[] => [...list.slice(0, n), ...items, ...list.slice(n + 1)];
    if (!('body' in item)) continue;
    yield put(...item.body);
    if (item.kind === 'loop' && item.turns > 1) yield put({ ...item, turns: 1 });
    for (const body of shrinkList(item.body)) yield put({ ...item, body });
  }
}
