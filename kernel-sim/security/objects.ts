/** Objects that a call is about to make, for the hooks that may refuse them: maps and programs of bpf(2), keys, super blocks. */

import type { Addr } from '../../src/machine/addr.ts';
import { MAP_TYPES } from '../../src/uapi/map.ts';
import { PROG_TYPES } from '../../src/uapi/program.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { fieldText, numberOf, stringOf } from '../syscall/recorded-struct.ts';
import type { On } from '../text/hypercalls.ts';
import { givenTo } from './calls.ts';

/** sizeof(union bpf_attr), and what names have room for */
const ATTR_BYTES = 168;
const NAME_BYTES = 16;

export function registerObjects(kernel: ObjectFloor, on: On): void {
  const { args, memory, slab, structs, files } = kernel;
  const given = givenTo(kernel);
  const make = (struct: string): GuestStruct => new GuestStruct(kernel, struct, slab.kmalloc(structs.of(struct).size));
  const number = (name: string): number => numberOf(fieldText(given.text(1), name)) ?? 0;
  /** BPF_MAP_TYPE_ARRAY, BPF_PROG_TYPE_XDP */
  const typeOf = (name: string, prefix: string, types: readonly string[]): number => {
    const text = fieldText(given.text(1), name) ?? '';
    return Math.max(0, types.indexOf(text.replace(prefix, '').toLowerCase())) || (numberOf(text) ?? 0);
  };
  const name = (at: Addr, field: string): void => {
    for (const [n, c] of [...(stringOf(fieldText(given.text(1), field)) ?? '')].slice(0, NAME_BYTES - 1).entries())
      memory.writeU8(at + n, c.charCodeAt(0));
  };
  const attr = (...words: number[]): Addr => {
    const at = slab.kmalloc(ATTR_BYTES);
    for (const [n, word] of words.entries()) memory.writeU32(at + 4 * n, word);
    return at;
  };

  on('bpf_attr', () => {
    const type = typeOf('map_type', 'BPF_MAP_TYPE_', MAP_TYPES);
    const prog = typeOf('prog_type', 'BPF_PROG_TYPE_', PROG_TYPES);
    const words = ['key_size', 'value_size', 'max_entries', 'map_flags'].map(number);
    args.retAddr(args.lo(0) === 0 ? attr(type, ...words) : args.lo(0) === 5 ? attr(prog, number('insn_cnt')) : attr());
  });
  on('bpf_map_object', () => {
    const map = make('bpf_map');
    map.set('map_type', typeOf('map_type', 'BPF_MAP_TYPE_', MAP_TYPES));
    for (const field of ['key_size', 'value_size', 'max_entries', 'map_flags']) map.set(field, number(field));
    name(map.addressOf('name'), 'map_name');
    args.retAddr(map.at);
  });
  on('bpf_prog_object', () => {
    const [prog, aux] = [make('bpf_prog'), make('bpf_prog_aux')];
    prog.set('type', typeOf('prog_type', 'BPF_PROG_TYPE_', PROG_TYPES)).set('len', number('insn_cnt'));
    prog.set('aux', aux.at);
    name(aux.addressOf('name'), 'prog_name');
    args.retAddr(prog.at);
  });
  on('bpf_prog_free', () => {
    slab.kfree(new GuestStruct(kernel, 'bpf_prog', args.addr(0)).get('aux'));
    slab.kfree(args.addr(0));
  });

  // (description): NULL is add_key's and request_key's own
  on('key_object', () => {
    const key = make('key');
    const bytes = args.lo(0) === 0 ? (given.bytes(1) ?? new Uint8Array()) : SESSION;
    const text = slab.kmalloc(bytes.length + 1);
    memory.writeBytes(text, bytes);
    key.set('description', text).set('uid', kernel.tasks.creds.id(kernel.tasks.current.cred, 'fsuid'));
    args.retAddr(key.at);
  });
  on('key_free', () => {
    slab.kfree(new GuestStruct(kernel, 'key', args.addr(0)).get('description'));
    slab.kfree(args.addr(0));
  });

  // (type): the super block of a new mount
  on('new_super', () => args.retAddr(files.dcache.superBlocks.mounted(given.bytes(2))));
}

/** `_ses`: a session's keyring */
const SESSION = Uint8Array.of(0x5f, 0x73, 0x65, 0x73);
