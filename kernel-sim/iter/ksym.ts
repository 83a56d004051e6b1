/** The iterator over kallsyms: `struct kallsym_iter`, one that is filled anew for each symbol (kernel/kallsyms.c). */
import { encodeUtf8 } from '../../src/platform/index.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import type { TextFloor } from '../floors/text.ts';
import { kallsymsText } from '../sym/kallsyms-text.ts';
import { ListWalk, type Walk } from './target.ts';

/** `ffffffff81000000 T _text`, and `\t[module]` behind names of modules */
const LINE = /^([0-9a-f]+) (.) (\S+)(?:\t\[(.+)\])?$/;

export function ksyms(kernel: TextFloor): Walk {
  const { slab, structs, memory, symbols } = kernel;
  const layout = structs.of('kallsym_iter');
  const iter = new GuestStruct(kernel, 'kallsym_iter', slab.kmalloc(layout.size));
  const text = (field: string, value: string): void => {
    const { size } = layout.field(field);
    const out = new Uint8Array(size);
    out.set(encodeUtf8(value).subarray(0, size - 1));
    memory.writeBytes(iter.addressOf(field), out);
  };
  const list = (): string[] => kallsymsText(symbols, !structs.foreign).trimEnd().split('\n');
  const walk = new ListWalk<string>([0], list, (line) => {
    const [, address = '0', type = '?', name = '', module = ''] = LINE.exec(line) ?? [];
    iter
      .setBig('value', BigInt(`0x${address}`))
      .set('type', type.charCodeAt(0))
      .set('show_value', 1);
    text('name', name);
    text('module_name', module);
    return [iter.at];
  });
  return {
    atEnd: walk.atEnd,
    start: () => walk.start(),
    at: (position) => walk.at(position),
    close: () => slab.kfree(iter.at),
  };
}
