/** Function bodies as text, one instruction a line, blocks indented: for goldens and for people. */
import { type FunctionBody, OP } from './encoder.ts';

const NAMES = new Map<number, string>(Object.entries(OP).map(([name, code]) => [code, name]));

class Reader {
  at = 0;
  readonly bytes: Uint8Array;
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  u8(): number {
    return this.bytes[this.at++]!;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      value |= (byte & 0x7f) << shift;
      if (!(byte & 0x80)) return value >>> 0;
    }
  }

  /** Signed LEB128; a BigInt is exact for both widths, and this is text. */
  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (!(byte & 0x80)) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }
}

const constant = (value: bigint): string =>
  value > -65536n && value < 65536n ? `${value}` : `0x${BigInt.asUintN(64, value).toString(16)}`;

/** The instructions of a body; `local` names locals. */
export function printBody(body: FunctionBody, local: (index: number) => string = String): string {
  const r = new Reader(body.code.view());
  const out: string[] = [];
  let depth = 0;
  while (r.at < r.bytes.length) {
    const code = r.u8();
    const name = NAMES.get(code) ?? `?${code.toString(16)}`;
    if (code === OP.end || code === OP.else) depth--;
    let text = name;
    if (code === OP.block || code === OP.loop || code === OP.if) r.u8();
    else if (code >= 0x20 && code <= 0x22) text += ` ${local(r.u32())}`;
    else if (code === OP['i32.const'] || code === OP['i64.const']) text += ` ${constant(r.signed())}`;
    else if (code >= 0x28 && code <= 0x3e) {
      r.u32();
      const offset = r.u32();
      if (offset !== 0) text += ` offset=${offset}`;
    } else if (code === OP.br || code === OP.br_if || code === OP.call) text += ` ${r.u32()}`;
    else if (code === OP.call_indirect) {
      text += ` ${r.u32()}`;
      r.u8();
    } else if (code === OP.br_table) {
      const labels = Array.from({ length: r.u32() + 1 }, () => r.u32());
      text += ` ${labels.join(' ')}`;
    }
    out.push('  '.repeat(depth) + text);
    if (code === OP.block || code === OP.loop || code === OP.if || code === OP.else) depth++;
  }
  return `${out.join('\n')}\n`;
}
