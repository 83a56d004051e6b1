/** The iterator over kallsyms: `struct kallsym_iter`, one that is filled anew for each symbol (kernel/kallsyms.c). */
import type { Addr } from '../../src/machine/addr.ts';
import { encodeLatin1 } from '../../src/platform/index.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import type { TextFloor } from '../floors/text.ts';
import { kallsymsText } from '../sym/kallsyms-text.ts';
import { ListWalk, type Walk } from './target.ts';

/** `ffffffff81000000 T _text`: sixteen digits, a letter, the name; `\t[module]` behind names of modules */
const [TYPE_AT, NAME_AT] = [17, 19];

export function ksyms(kernel: TextFloor): Walk {
  const { slab, structs, memory, symbols } = kernel;
  const layout = structs.of('kallsym_iter');
  const iter = new GuestStruct(kernel, 'kallsym_iter', slab.kmalloc(layout.size));
  iter.set('show_value', 1);
  const [value, type, name, module] = (['value', 'type', 'name', 'module_name'] as const).map((f) =>
    iter.addressOf(f),
  ) as [Addr, Addr, Addr, Addr];
  const list = (): string[] => kallsymsText(symbols, !structs.foreign).trimEnd().split('\n');
  const walk = new ListWalk<string>([0], list, (line) => {
    const tab = line.indexOf('\t');
    memory.writeU32(value + 4, Number.parseInt(line.slice(0, 8), 16));
    memory.writeU32(value, Number.parseInt(line.slice(8, 16), 16));
    memory.writeU8(type, line.charCodeAt(TYPE_AT));
    memory.writeBytes(name, encodeLatin1(`${line.slice(NAME_AT, tab < 0 ? undefined : tab)}\0`));
    memory.writeBytes(module, encodeLatin1(tab < 0 ? '\0' : `${line.slice(tab + 2, -1)}\0`));
    return [iter.at];
  });
  return {
    atEnd: walk.atEnd,
    start: () => walk.start(),
    at: (position) => walk.at(position),
    close: () => slab.kfree(iter.at),
  };
}
