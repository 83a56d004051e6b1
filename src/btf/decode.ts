/** One BTF type from bytes: Linux 6.12 Documentation/bpf/btf.rst, sections 2.2.1 to 2.2.19. */
import { BtfError } from './error.ts';
import { BTF_INT_BOOL, BTF_INT_CHAR, BTF_INT_SIGNED, BTF_KINDS, BTF_LINKAGES, type BtfLinkage } from './kinds.ts';
import type { BtfReader, BtfType } from './types.ts';

const linkage = (n: number): BtfLinkage => BTF_LINKAGES[n] ?? 'extern';

/** Elements of a kind with `stride` bytes each, from `at`. */
function elements<T>(count: number, at: number, stride: number, make: (at: number) => T): T[] {
  const out: T[] = new Array(count);
  for (let n = 0; n < count; n++) out[n] = make(at + n * stride);
  return out;
}

/** Decodes the type `id` whose `struct btf_type` is at byte `at` of `view`. Bounds were checked when the index was made. */
export function decodeType(
  btf: Pick<BtfReader, 'string'>,
  id: number,
  view: DataView,
  at: number,
  le: boolean,
): BtfType {
  const u32 = (offset: number): number => view.getUint32(offset, le);
  const str = (offset: number): string => btf.string(u32(offset));
  const info = u32(at + 4);
  const kind = BTF_KINDS[(info >>> 24) & 31];
  const vlen = info & 0xffff;
  const flag = info >>> 31 !== 0;
  const name = str(at);
  const last = u32(at + 8);
  const extra = at + 12;
  switch (kind) {
    case 'int': {
      const word = u32(extra);
      const encoding = (word >>> 24) & 15;
      return {
        id,
        kind,
        name,
        size: last,
        bitOffset: (word >>> 16) & 0xff,
        bits: word & 0xff,
        signed: (encoding & BTF_INT_SIGNED) !== 0,
        char: (encoding & BTF_INT_CHAR) !== 0,
        bool: (encoding & BTF_INT_BOOL) !== 0,
        encoding,
      };
    }
    case 'array':
      return { id, kind, name, type: u32(extra), indexType: u32(extra + 4), length: u32(extra + 8) };
    case 'struct':
    case 'union':
      return {
        id,
        kind,
        name,
        size: last,
        kindFlag: flag,
        members: elements(vlen, extra, 12, (m) => {
          const offset = u32(m + 8);
          return {
            name: str(m),
            type: u32(m + 4),
            bitOffset: flag ? offset & 0xffffff : offset,
            bitfieldSize: flag ? offset >>> 24 : 0,
          };
        }),
      };
    case 'enum':
      return {
        id,
        kind,
        name,
        size: last,
        signed: flag,
        values: elements(vlen, extra, 8, (m) => ({
          name: str(m),
          value: BigInt(flag ? view.getInt32(m + 4, le) : u32(m + 4)),
        })),
      };
    case 'enum64':
      return {
        id,
        kind,
        name,
        size: last,
        signed: flag,
        values: elements(vlen, extra, 12, (m) => {
          const value = (BigInt(u32(m + 8)) << 32n) | BigInt(u32(m + 4));
          return { name: str(m), value: flag ? BigInt.asIntN(64, value) : value };
        }),
      };
    case 'fwd':
      return { id, kind, name, of: flag ? 'union' : 'struct' };
    case 'ptr':
    case 'typedef':
    case 'volatile':
    case 'const':
    case 'restrict':
    case 'type_tag':
      return { id, kind, name, type: last };
    case 'func':
      return { id, kind, name, type: last, linkage: linkage(vlen) };
    case 'func_proto':
      return {
        id,
        kind,
        name,
        type: last,
        params: elements(vlen, extra, 8, (m) => ({ name: str(m), type: u32(m + 4) })),
      };
    case 'var':
      return { id, kind, name, type: last, linkage: linkage(u32(extra)) };
    case 'datasec':
      return {
        id,
        kind,
        name,
        size: last,
        vars: elements(vlen, extra, 12, (m) => ({ type: u32(m), offset: u32(m + 4), size: u32(m + 8) })),
      };
    case 'float':
      return { id, kind, name, size: last };
    case 'decl_tag':
      return { id, kind, name, type: last, component: view.getInt32(extra, le) };
    default:
      throw new BtfError(`kind ${(info >>> 24) & 31} is unknown`, { typeId: id, offset: at });
  }
}
