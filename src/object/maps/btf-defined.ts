/**
 * Maps of the `.maps` section, defined by the BTF of their variables (libbpf's `__uint`, `__type`,
 * `__ulong`, `__array`; Linux 6.12 Documentation/bpf/libbpf/libbpf_overview.rst, "BPF maps").
 */

import { type Btf, type BtfComposite, type BtfDatasec, BtfError, type BtfMember } from '../../btf/index.ts';
import type { ElfSection } from '../../elf/index.ts';
import { BPF_MAP_TYPE } from '../../uapi/index.ts';
import { ObjectError } from '../error.ts';
import type { MapDef } from '../model.ts';
import { blankMap, fixupMap, isMapInMap } from './names.ts';

/** Attributes that a definition may have; there are 11. */
const MAX_ATTRIBUTES = 32;

interface Context {
  readonly btf: Btf;
  readonly fail: (map: string, message: string) => ObjectError;
  readonly warn: (message: string) => void;
}

/** `__uint(name, value)`: a pointer to an array of `value` elements. */
function uint(ctx: Context, map: string, member: BtfMember): number {
  const pointer = ctx.btf.resolve(member.type);
  if (pointer.kind !== 'ptr') throw ctx.fail(map, `attribute '${member.name}' is a ${pointer.kind}, not __uint()`);
  const array = ctx.btf.resolve(pointer.type);
  if (array.kind !== 'array')
    throw ctx.fail(map, `attribute '${member.name}' points to a ${array.kind}, not as __uint() does`);
  return array.length;
}

/** `__ulong(name, value)`: an enumeration of that one value; `__uint` too. */
function ulong(ctx: Context, map: string, member: BtfMember): bigint {
  const type = ctx.btf.resolve(member.type);
  if (type.kind === 'ptr') return BigInt(uint(ctx, map, member));
  if (type.kind !== 'enum' && type.kind !== 'enum64')
    throw ctx.fail(map, `attribute '${member.name}' is a ${type.kind}, not __ulong()`);
  const value = type.values[0];
  if (!value || type.values.length !== 1)
    throw ctx.fail(map, `attribute '${member.name}' has ${type.values.length} values`);
  return BigInt.asUintN(64, value.value);
}

/** `__type(key, T)`: a pointer to T. */
function pointee(ctx: Context, map: string, member: BtfMember): number {
  const pointer = ctx.btf.resolve(member.type);
  if (pointer.kind !== 'ptr') throw ctx.fail(map, `attribute '${member.name}' is a ${pointer.kind}, not __type()`);
  return pointer.type;
}

function agree(ctx: Context, map: string, what: string, known: number, size: number): number {
  if (known !== 0 && known !== size) throw ctx.fail(map, `${what} size ${known} conflicts with ${size}`);
  return size;
}

function sizeOf(ctx: Context, map: string, what: string, id: number): number {
  try {
    return ctx.btf.sizeOf(id);
  } catch (error) {
    if (error instanceof BtfError) throw ctx.fail(map, `the size of its ${what} type is not known: ${error.message}`);
    throw error;
  }
}

/** Fills `map` from the members of its struct. */
function parseMembers(ctx: Context, map: MapDef, struct: BtfComposite, isInner: boolean): void {
  if (struct.members.length > MAX_ATTRIBUTES)
    throw ctx.fail(map.name, `${struct.members.length} attributes are too many`);
  struct.members.forEach((member, n) => {
    switch (member.name) {
      case 'type':
        map.type = uint(ctx, map.name, member);
        break;
      case 'max_entries':
        map.maxEntries = uint(ctx, map.name, member);
        break;
      case 'map_flags':
        map.flags = uint(ctx, map.name, member);
        break;
      case 'numa_node':
        map.numaNode = uint(ctx, map.name, member);
        break;
      case 'map_extra':
        map.mapExtra = ulong(ctx, map.name, member);
        break;
      case 'key_size':
        map.keySize = agree(ctx, map.name, 'key', map.keySize, uint(ctx, map.name, member));
        break;
      case 'value_size':
        map.valueSize = agree(ctx, map.name, 'value', map.valueSize, uint(ctx, map.name, member));
        break;
      case 'key':
        map.btfKey = pointee(ctx, map.name, member);
        map.keySize = agree(ctx, map.name, 'key', map.keySize, sizeOf(ctx, map.name, 'key', map.btfKey));
        break;
      case 'value':
        map.btfValue = pointee(ctx, map.name, member);
        map.valueSize = agree(ctx, map.name, 'value', map.valueSize, sizeOf(ctx, map.name, 'value', map.btfValue));
        break;
      case 'pinning': {
        if (isInner) throw ctx.fail(map.name, 'an inner map cannot be pinned');
        const how = uint(ctx, map.name, member);
        if (how > 1) ctx.warn(`map '${map.name}': pinning ${how} is not libbpf's; taken as pinning by name`);
        map.pinning = how === 0 ? 'none' : 'by_name';
        break;
      }
      case 'values':
        if (n !== struct.members.length - 1) throw ctx.fail(map.name, "'values' must be the last attribute");
        parseValues(ctx, map, member, isInner);
        break;
      default:
        throw ctx.fail(map.name, `attribute '${member.name}' is unknown`);
    }
  });
  if (map.type === BPF_MAP_TYPE.UNSPEC)
    throw ctx.fail(map.name, 'its type is not given: __uint(type, BPF_MAP_TYPE_...)');
  fixupMap(map);
}

/** `__array(values, T)`: a flexible array of pointers to the inner map's struct or to the programs' prototype. */
function parseValues(ctx: Context, map: MapDef, member: BtfMember, isInner: boolean): void {
  if (isInner) throw ctx.fail(map.name, 'maps nest two deep at most');
  const programs = map.type === BPF_MAP_TYPE.PROG_ARRAY;
  if (!programs && !isMapInMap(map.type)) throw ctx.fail(map.name, "'values' needs an array of maps or of programs");
  map.valueSize = agree(ctx, map.name, 'value', map.valueSize, 4);
  const array = ctx.btf.typeById(member.type);
  if (array.kind !== 'array' || array.length !== 0) throw ctx.fail(map.name, "'values' is not made by __array()");
  const pointer = ctx.btf.resolve(array.type);
  if (pointer.kind !== 'ptr') throw ctx.fail(map.name, `'values' holds a ${pointer.kind}, not pointers`);
  const type = ctx.btf.resolve(pointer.type);
  if (programs) {
    if (type.kind !== 'func_proto') throw ctx.fail(map.name, `'values' points to a ${type.kind}, not to programs`);
    return;
  }
  if (type.kind !== 'struct') throw ctx.fail(map.name, `'values' points to a ${type.kind}, not to a map`);
  const inner = blankMap(`${map.name}.inner`, `${map.realName}.inner`, 'btf', map.section, -1);
  parseMembers(ctx, inner, type, true);
  map.inner = inner;
}

/** Byte offset of `values` in a map's variable, for its table; -1 where it has none. */
export function valuesOffset(btf: Btf, variable: number): number {
  const type = btf.typeById(variable);
  const struct = type.kind === 'var' ? btf.resolve(type.type) : type;
  if (struct.kind !== 'struct') return -1;
  const last = struct.members.at(-1);
  return last?.name === 'values' ? last.bitOffset / 8 : -1;
}

/** Maps of `.maps`, in the order of its (fixed-up) datasec. @throws ObjectError, BtfError */
export function btfDefinedMaps(file: string, section: ElfSection, btf: Btf, warn: (message: string) => void): MapDef[] {
  const ctx: Context = { btf, warn, fail: (map, message) => new ObjectError(file, `map '${map}'`, message) };
  const id = btf.findByName('.maps', 'datasec');
  if (id === 0) throw new ObjectError(file, 'section .maps', 'the BTF does not describe it; compile with -g');
  const datasec = btf.typeById(id) as BtfDatasec;
  return datasec.vars.map((secvar) => {
    const variable = btf.typeById(secvar.type);
    if (variable.kind !== 'var')
      throw new ObjectError(file, 'section .maps', `type [${secvar.type}] is a ${variable.kind}, not a variable`);
    if (variable.name === '') throw new ObjectError(file, 'section .maps', 'a map without a name');
    if (variable.linkage === 'static') throw ctx.fail(variable.name, 'static maps are not supported; drop `static`');
    if (variable.linkage === 'extern')
      throw ctx.fail(
        variable.name,
        'it is extern: this object is to be linked with the one that defines it (bpftool gen object)',
      );
    const struct = btf.resolve(variable.type);
    if (struct.kind !== 'struct') throw ctx.fail(variable.name, `it is a ${struct.kind}, not a struct`);
    if (struct.size > secvar.size)
      throw ctx.fail(variable.name, `its struct of ${struct.size} bytes is larger than its ${secvar.size} bytes`);
    const { offset } = secvar;
    if (offset + secvar.size > section.size)
      throw ctx.fail(variable.name, `${secvar.size} bytes at ${offset} lie beyond the section's end`);
    const map = blankMap(variable.name, variable.name, 'btf', section.index, offset);
    parseMembers(ctx, map, struct, false);
    return map;
  });
}
