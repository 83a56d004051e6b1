/**
 * The `.BTF.ext` section (Linux 6.12 Documentation/bpf/btf.rst, section 4.2): records about
 * instructions, grouped by the ELF section that holds them.
 *
 *     struct btf_ext_header { u16 magic; u8 version, flags; u32 hdr_len;
 *                             u32 func_info_off, _len, line_info_off, _len, core_relo_off, _len; }
 *     each part: u32 rec_size; then groups of { u32 sec_name_off; u32 num_info; u8 data[num_info * rec_size]; }
 */
import type { Btf } from './btf.ts';
import { BtfError } from './error.ts';
import { BTF_MAGIC, BTF_VERSION } from './kinds.ts';

/** `struct bpf_func_info`, its place in bytes within the section */
export interface ExtFuncInfo {
  readonly insnOff: number;
  readonly typeId: number;
}

/** `struct bpf_line_info`, its place in bytes within the section */
export interface ExtLineInfo {
  readonly insnOff: number;
  readonly fileNameOff: number;
  readonly lineOff: number;
  /** line << 10 | column */
  readonly lineCol: number;
}

/** `struct bpf_core_relo` */
export interface ExtCoreRelo {
  readonly insnOff: number;
  readonly typeId: number;
  /** string like `0:1:2` */
  readonly access: string;
  /** `enum bpf_core_relo_kind` */
  readonly kind: number;
}

export interface BtfExt {
  /** by name of the section that the instructions are in */
  readonly funcs: ReadonlyMap<string, readonly ExtFuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly ExtLineInfo[]>;
  readonly core: ReadonlyMap<string, readonly ExtCoreRelo[]>;
}

const EXT_HEADER_MIN = 24;

/** Reads `.BTF.ext`; names come from `btf`, the `.BTF` beside it. @throws BtfError */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const bad = (message: string, offset: number): BtfError => new BtfError(`.BTF.ext: ${message}`, { offset });
  if (bytes.length < EXT_HEADER_MIN) throw bad(`${bytes.length} bytes are too few for a header`, 0);
  if (view.getUint16(0, true) !== BTF_MAGIC) throw bad('its magic is not 0xeb9f', 0);
  if (view.getUint8(2) !== BTF_VERSION) throw bad(`version ${view.getUint8(2)} is unknown`, 2);
  if (view.getUint8(3) !== 0) throw bad(`flags 0x${view.getUint8(3).toString(16)} are unknown`, 3);
  const header = view.getUint32(4, true);
  if (header < EXT_HEADER_MIN || header > bytes.length) throw bad(`header length ${header} is impossible`, 4);

  function part<T>(name: string, at: number, least: number, make: (at: number) => T): Map<string, T[]> {
    const out = new Map<string, T[]>();
    if (at + 8 > header) return out;
    const length = view.getUint32(at + 4, true);
    if (length === 0) return out;
    let here = header + view.getUint32(at, true);
    const end = here + length;
    if (here % 4 !== 0) throw bad(`${name} is not aligned`, at);
    if (end > bytes.length || length < 4) throw bad(`${name} (${length} bytes at ${here}) lies beyond the end`, at);
    const size = view.getUint32(here, true);
    if (size < least || size % 4 !== 0) throw bad(`${name} has records of ${size} bytes`, here);
    here += 4;
    while (here < end) {
      if (here + 8 > end) throw bad(`${name} is cut off`, here);
      const section = btf.string(view.getUint32(here, true));
      const count = view.getUint32(here + 4, true);
      here += 8;
      if (count === 0 || here + count * size > end)
        throw bad(`${name} of section '${section}' has ${count} records`, here - 4);
      const records = out.get(section) ?? [];
      for (let n = 0; n < count; n++, here += size) records.push(make(here));
      out.set(section, records);
    }
    return out;
  }

  const u32 = (at: number): number => view.getUint32(at, true);
  return {
    funcs: part('func_info', 8, 8, (at) => ({ insnOff: u32(at), typeId: u32(at + 4) })),
    lines: part('line_info', 16, 16, (at) => ({
      insnOff: u32(at),
      fileNameOff: u32(at + 4),
      lineOff: u32(at + 8),
      lineCol: u32(at + 12),
    })),
    core: part('core_relo', 24, 16, (at) => ({
      insnOff: u32(at),
      typeId: u32(at + 4),
      access: btf.string(u32(at + 8)),
      kind: u32(at + 12),
    })),
  };
}
