/** `bpftool btf show`, and the types of `btf dump` as JSON (bpftool-btf(8)). Text is that of `src/btf/dump`. */

import type { BtfObject } from '../../../kernel-sim/bpf/objects/btf-object.ts';
import type { BpfState } from '../../../kernel-sim/bpf/objects/state.ts';
import { type Btf, type BtfType, dumpRaw, intEncoding, rawType } from '../../btf/index.ts';
import type { Json } from '../json.ts';

/** Who uses which BTF: ids by id of the BTF, in the order in which bpftool lists them. */
export class BtfUsers {
  readonly #lists = new Map<number, number[]>();
  #count = 0;
  #room = 0;

  /** Its table puts the newest in front, and turns each chain round whenever it grows (libbpf's hashmap). */
  add(btf: number, user: number): void {
    if (this.#room === 0 || Math.floor(((this.#count + 1) * 4) / 3) > this.#room) {
      this.#room = Math.max(4, this.#room * 2);
      for (const list of this.#lists.values()) list.reverse();
    }
    this.#count++;
    const list = this.#lists.get(btf);
    if (list) list.unshift(user);
    else this.#lists.set(btf, [user]);
  }
  of(btf: number): readonly number[] {
    return this.#lists.get(btf) ?? [];
  }
}

export function btfUsers(state: BpfState): { readonly progs: BtfUsers; readonly maps: BtfUsers } {
  const progs = new BtfUsers();
  const maps = new BtfUsers();
  for (const prog of state.progs.all()) if (prog.btfObject) progs.add(prog.btfObject.id, prog.id);
  for (const map of state.maps.all()) if (map.btfObject) maps.add(map.btfObject.id, map.id);
  return { progs, maps };
}

export function btfText(object: BtfObject, users: ReturnType<typeof btfUsers>): string {
  const name = object.isKernel ? `[${object.name}]` : object.name || '<anon>';
  const list = (word: string, ids: readonly number[]): string => (ids.length === 0 ? '' : `  ${word} ${ids.join(',')}`);
  const { id, bytes } = object;
  return `${id}: name ${name}  size ${bytes.length}B${list('prog_ids', users.progs.of(id))}${list('map_ids', users.maps.of(id))}\n`;
}

export function btfJson(object: BtfObject, users: ReturnType<typeof btfUsers>): Json {
  const { id, bytes, isKernel, name } = object;
  return {
    id,
    size: bytes.length,
    prog_ids: users.progs.of(id),
    map_ids: users.maps.of(id),
    kernel: isKernel,
    name: name || undefined,
  };
}

const named = (name: string): string => name || '(anon)';

/** What of a type's own stands behind kind and name. */
function rest(type: BtfType): { readonly [name: string]: Json } {
  switch (type.kind) {
    case 'int':
      return { size: type.size, bits_offset: type.bitOffset, nr_bits: type.bits, encoding: intEncoding(type) };
    case 'ptr':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'typedef':
    case 'type_tag':
      return { type_id: type.type };
    case 'array':
      return { type_id: type.type, index_type_id: type.indexType, nr_elems: type.length };
    case 'struct':
    case 'union':
      return {
        size: type.size,
        vlen: type.members.length,
        members: type.members.map((m) => ({
          name: named(m.name),
          type_id: m.type,
          bits_offset: m.bitOffset,
          bitfield_size: m.bitfieldSize > 0 ? m.bitfieldSize : undefined,
        })),
      };
    case 'enum':
    case 'enum64':
      return {
        encoding: type.signed ? 'SIGNED' : 'UNSIGNED',
        size: type.size,
        vlen: type.values.length,
        values: type.values.map((v) => ({ name: named(v.name), val: v.value })),
      };
    case 'fwd':
      return { fwd_kind: type.of };
    case 'func':
      return { type_id: type.type, linkage: type.linkage };
    case 'func_proto':
      return {
        ret_type_id: type.type,
        vlen: type.params.length,
        params: type.params.map((p) => ({ name: named(p.name), type_id: p.type })),
      };
    case 'var':
      return { type_id: type.type, linkage: type.linkage };
    case 'datasec':
      return {
        size: type.size,
        vlen: type.vars.length,
        vars: type.vars.map((v) => ({ type_id: v.type, offset: v.offset, size: v.size })),
      };
    case 'float':
      return { size: type.size };
    case 'decl_tag':
      return { type_id: type.type, component_idx: type.component };
    case 'void':
      return {};
  }
}

export const typeJson = (type: BtfType): Json => ({
  id: type.id,
  kind: type.kind.toUpperCase(),
  name: named(type.name),
  ...rest(type),
});

/** `{"types":[...]}`; of these types only where ids are given. */
export function typesJson(btf: Btf, ids?: readonly number[]): Json {
  return { types: (ids ? ids.map((id) => btf.typeById(id)) : [...btf.types()]).map(typeJson) };
}

export const typesText = (btf: Btf, ids?: readonly number[]): string =>
  ids ? ids.map((id) => `${rawType(btf, btf.typeById(id))}\n`).join('') : dumpRaw(btf);
