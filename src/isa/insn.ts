/**
 * The instruction slot that every stage speaks of: `struct bpf_insn` of
 * include/uapi/linux/bpf.h, 8 bytes, little-endian (RFC 9669 section 3).
 *
 *     byte 0   opcode
 *     byte 1   dst_reg (bits 0..3), src_reg (bits 4..7)
 *     byte 2-3 offset, signed 16
 *     byte 4-7 immediate, signed 32
 *
 * A wide instruction (`BPF_LD | BPF_DW | BPF_IMM`) takes two slots; the second has
 * code 0 and the upper 32 bits in its `imm`. Stages index slots, never instructions,
 * as Linux does.
 */
import { ArgumentError } from '../errors/index.ts';
export interface Insn {
  /** opcode, u8 */
  code: number;
  /** destination register, 0..15 (10 is the frame pointer; 11 and up are the kernel's own) */
  dst: number;
  /** source register or pseudo source, 0..15 */
  src: number;
  /** offset, s16 */
  off: number;
  /** immediate, s32 */
  imm: number;
}

/** Bytes of one slot. */
export const INSN_SIZE = 8;

/** Makes one slot; `off` and `imm` are taken modulo their widths, as storing to memory would. */
export function insn(code: number, dst: number, src: number, off: number, imm: number): Insn {
  return { code: code & 0xff, dst, src, off: (off << 16) >> 16, imm: imm | 0 };
}

/** Reads slots from bytes. @throws ArgumentError when the length is not a multiple of 8. */
export function readInsns(bytes: Uint8Array): Insn[] {
  if (bytes.length % INSN_SIZE !== 0) {
    throw new ArgumentError('bytes', `${bytes.length} bytes are not a whole number of 8-byte BPF instructions`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out: Insn[] = [];
  for (let at = 0; at < bytes.length; at += INSN_SIZE) {
    const regs = view.getUint8(at + 1);
    out.push({
      code: view.getUint8(at),
      dst: regs & 15,
      src: regs >> 4,
      off: view.getInt16(at + 2, true),
      imm: view.getInt32(at + 4, true),
    });
  }
  return out;
}

/** Writes slots as bytes, the inverse of {@link readInsns}. */
export function writeInsns(insns: readonly Insn[]): Uint8Array {
  const bytes = new Uint8Array(insns.length * INSN_SIZE);
  const view = new DataView(bytes.buffer);
  insns.forEach((i, n) => {
    const at = n * INSN_SIZE;
    view.setUint8(at, i.code);
    view.setUint8(at + 1, (i.dst & 15) | (i.src << 4));
    view.setInt16(at + 2, i.off, true);
    view.setInt32(at + 4, i.imm, true);
  });
  return bytes;
}
