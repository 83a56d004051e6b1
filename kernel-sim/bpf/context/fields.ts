/**
 * Contexts as tables of fields: `is_valid_access` and `convert_ctx_access` of one program type
 * read one table. Offsets of the context that the program sees follow from the order and the
 * sizes of its rows, as in include/uapi/linux/bpf.h; those of the kernel come from BTF.
 */

import { accessSize } from '../../../src/isa/build.ts';
import type { Insn } from '../../../src/isa/index.ts';
import { BPF_LDX } from '../../../src/isa/index.ts';
import type { ContextModel, CtxAccess, TypeFlag } from '../../../src/verifier/kernel.ts';
import type { StructLayout } from '../../core/field-layout.ts';
import { loadedSize, loadPath, resolvePath } from './path.ts';

/**
 * How a field may be read.
 * - full: as a whole
 * - narrow: any aligned part (bpf_ctx_narrow_access_ok)
 * - start: a part that begins where the field begins
 * - wide: narrow, and eight bytes at once where aligned (bpf_ctx_wide_access_ok)
 * - any: every aligned access, converted byte for byte
 */
export type ReadRule = 'full' | 'narrow' | 'start' | 'wide' | 'any' | 'none';

/** What a conversion has at hand. */
export interface Conversion {
  readonly layout: StructLayout;
  /** bytes accessed */
  readonly size: number;
  readonly dst: number;
  readonly src: number;
  /** from the start of the field */
  readonly delta: number;
  /** size of what is loaded, for narrow loads; set by the conversion */
  target: { size: number };
}

export interface Field {
  readonly name: string;
  readonly size: number;
  readonly read: ReadRule;
  readonly write?: boolean;
  /** write allowed only of these attach types */
  readonly writeFor?: ReadonlySet<number>;
  /** accessible only to these attach types */
  readonly only?: ReadonlySet<number>;
  readonly regType?: string;
  readonly regFlags?: readonly TypeFlag[];
  readonly btfType?: string;
  /** path that a load follows; absent where the context is not converted */
  readonly path?: string;
  /** a load that a path does not describe */
  readonly load?: (insn: Insn, c: Conversion) => Insn[];
  readonly store?: (insn: Insn, c: Conversion) => Insn[];
  /** instructions after the path's */
  readonly after?: (dst: number) => Insn[];
  /** size that the conversion answers for narrow loads, where it is not the member's */
  readonly targetSize?: number;
  /** what an access is narrowed to, where it is not the field's size */
  readonly ctxFieldSize?: number;
}

export interface PlacedField extends Field {
  readonly offset: number;
}

/** Rows in order; each at its natural alignment. */
export function place(rows: readonly Field[]): PlacedField[] {
  let offset = 0;
  return rows.map((row) => {
    const align = row.size === 8 ? 8 : row.size % 4 === 0 ? 4 : row.size === 2 ? 2 : 1;
    offset = Math.ceil(offset / align) * align;
    const placed = { ...row, offset };
    offset += row.size;
    return placed;
  });
}

export const fieldAt = (fields: readonly PlacedField[], off: number): PlacedField | undefined =>
  fields.find((f) => off >= f.offset && off < f.offset + f.size);

/** Pointers and eight-byte fields are read whole; arrays of words word by word. */
const wholeSize = (f: PlacedField): number => (f.regType !== undefined || f.size === 8 ? f.size : Math.min(f.size, 4));

/** Whether a read of these bytes is allowed, and through what window. */
function readable(f: PlacedField, off: number, size: number): { ctxFieldSize?: number } | undefined {
  const delta = off - f.offset;
  const fits = delta + size <= f.size;
  const unit = f.ctxFieldSize ?? wholeSize(f);
  switch (f.read) {
    case 'none':
      return undefined;
    case 'full':
      return fits && size === unit && delta % unit === 0 ? {} : undefined;
    case 'narrow':
    case 'wide':
      if (fits && size <= unit && (delta % unit) + size <= unit) return { ctxFieldSize: unit };
      return f.read === 'wide' && size === 8 && off % 8 === 0 && fits ? { ctxFieldSize: unit } : undefined;
    case 'start':
      return fits && size <= unit && delta === 0 ? { ctxFieldSize: unit } : undefined;
    case 'any':
      return fits ? {} : undefined;
  }
}

function writable(f: PlacedField, off: number, size: number, attach: number): boolean {
  if (!f.write || (f.writeFor && !f.writeFor.has(attach))) return false;
  const delta = off - f.offset;
  if (f.read === 'any') return delta + size <= f.size;
  if (f.read === 'wide' && size === 8) return off % 8 === 0 && delta + 8 <= f.size;
  const unit = wholeSize(f);
  return size === unit && delta % unit === 0;
}

/** `is_valid_access` by the table. */
export function tableAccess(
  fields: readonly PlacedField[],
  off: number,
  size: number,
  write: boolean,
  attach: number,
): CtxAccess | undefined {
  if (off < 0 || off % size !== 0) return undefined;
  const f = fieldAt(fields, off);
  if (f === undefined || (f.only && !f.only.has(attach))) return undefined;
  if (write) return writable(f, off, size, attach) ? { regType: 'SCALAR_VALUE' } : undefined;
  const window = readable(f, off, size);
  if (window === undefined) return undefined;
  return {
    regType: f.regType ?? 'SCALAR_VALUE',
    ...(f.regFlags ? { regFlags: f.regFlags } : {}),
    ...(f.btfType ? { btfType: f.btfType } : {}),
    ...window,
  };
}

/** `convert_ctx_access` by the table; undefined where the table converts nothing. */
export function tableConvert(
  layout: StructLayout,
  fields: readonly PlacedField[],
  i: Insn,
  target: { size: number },
): Insn[] | undefined {
  const f = fieldAt(fields, i.off);
  if (f === undefined) return undefined;
  const c: Conversion = { layout, size: accessSize(i), dst: i.dst, src: i.src, delta: i.off - f.offset, target };
  if ((i.code & 7) === BPF_LDX) {
    if (f.load) return f.load(i, c);
    if (f.path === undefined) return undefined;
    const last = resolvePath(layout, f.path).at(-1);
    target.size = f.targetSize ?? (last ? loadedSize(last) : 0);
    return [...loadPath(layout, f.path, i.dst, i.src), ...(f.after?.(i.dst) ?? [])];
  }
  return f.store?.(i, c);
}

/** A context whose table says everything. */
export function tableModel(
  layout: StructLayout,
  userType: string,
  fields: readonly PlacedField[],
  more: Partial<ContextModel> = {},
): ContextModel {
  const last = fields.at(-1);
  return {
    size: last ? last.offset + last.size : 0,
    userType,
    access: (off, size, write, attach) => tableAccess(fields, off, size, write, attach),
    convert: (i, target) => tableConvert(layout, fields, i, target),
    ...more,
  };
}
