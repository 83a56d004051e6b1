/** Fields by path, as C's offsetof takes them: `a.b[3].c`, anonymous members looked through. */
import { BtfError } from './error.ts';
import { type BtfComposite, type BtfMember, type BtfReader, isComposite } from './types.ts';

/** Where a field lies in a structure, and what it is. */
export interface Field {
  /** from the structure's start, in bits */
  readonly bitOffset: number;
  /** byte that holds its first bit */
  readonly offset: number;
  /** bytes of its type */
  readonly size: number;
  /** bits where it is a bitfield, else 0 */
  readonly bitfieldSize: number;
  /** its type as declared */
  readonly type: number;
}

/** Member of that name and its bit offset from the start of `of`, through anonymous structs and unions. */
export function findMember(
  btf: BtfReader,
  of: BtfComposite,
  name: string,
  searched = new Set<number>(),
): { member: BtfMember; bitOffset: number } | undefined {
  searched.add(of.id);
  for (const member of of.members) {
    if (member.name === name) return { member, bitOffset: member.bitOffset };
    if (member.name !== '') continue;
    const inner = btf.resolve(member.type);
    // What was searched in vain need not be searched again, and may contain itself.
    if (!isComposite(inner) || searched.has(inner.id)) continue;
    const found = findMember(btf, inner, name, searched);
    if (found) return { member: found.member, bitOffset: member.bitOffset + found.bitOffset };
  }
  return undefined;
}

/** Id of the first struct, union or typedef of that name. */
function compositeId(btf: BtfReader, name: string): number {
  for (const kind of ['struct', 'union', 'typedef'] as const) {
    const id = btf.findByName(name, kind);
    if (id) return id;
  }
  throw new BtfError(`there is no struct or union '${name}'`);
}

/** See {@link Btf.offsetOf}. */
export function fieldOf(btf: BtfReader, struct: string | number, path: string): Field {
  let type = typeof struct === 'number' ? struct : compositeId(btf, struct);
  let bitOffset = 0;
  let bitfieldSize = 0;
  const said = typeof struct === 'number' ? btf.typeById(struct).name || `[${struct}]` : struct;
  for (const step of path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)) {
    const of = btf.resolve(type);
    if (step[1] !== undefined) {
      if (of.kind !== 'array') throw new BtfError(`'${said}.${path}': what [${step[1]}] indexes is not an array`);
      type = of.type;
      bitOffset += 8 * Number(step[1]) * btf.sizeOf(type);
      bitfieldSize = 0;
      continue;
    }
    const name = step[2] as string;
    const found = isComposite(of) ? findMember(btf, of, name) : undefined;
    if (!found) throw new BtfError(`'${said}.${path}': there is no member '${name}'`);
    type = found.member.type;
    bitOffset += found.bitOffset;
    bitfieldSize = found.member.bitfieldSize;
  }
  return { bitOffset, offset: bitOffset >>> 3, size: btf.sizeOf(type), bitfieldSize, type };
}
