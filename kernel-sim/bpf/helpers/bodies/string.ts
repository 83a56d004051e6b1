/** Strings and numbers in them: bpf-helpers(7), bpf_strtol, bpf_strtoul, bpf_strncmp. */
import { decodeLatin1 } from '../../../../src/platform/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import type { HelperBodies, HelperCall } from './call.ts';

/** White space, a sign where one may stand, then digits of the base: how many characters, and the number. */
function parse(call: HelperCall, signed: boolean): { consumed: number; value: bigint } | number {
  const { args, kernel } = call;
  const flags = args.u32(2);
  const size = args.u32(1);
  if (size === 0) return -ERRNO.EINVAL;
  if (args.hi(2) !== 0 || ![0, 8, 10, 16].includes(flags)) return -ERRNO.EINVAL;
  const text = decodeLatin1(kernel.memory.readBytes(args.addr(0), size));
  const lead = /^[\t-\r ]*/.exec(text)![0].length;
  let at = lead;
  if (at >= size) return -ERRNO.EINVAL;
  const negative = text[at] === '-';
  if (negative) at++;
  if (at >= size) return -ERRNO.EINVAL;
  let base = flags;
  const rest = text.slice(at);
  if (base === 0) base = /^0[xX][0-9a-fA-F]/.test(rest) ? 16 : rest.startsWith('0') ? 8 : 10;
  if (base === 16 && /^0[xX]/.test(rest)) at += 2;
  const digits = (base === 16 ? /^[0-9a-fA-F]+/ : base === 8 ? /^[0-7]+/ : /^[0-9]+/).exec(text.slice(at))?.[0];
  if (digits === undefined) return -ERRNO.EINVAL;
  const value = BigInt(base === 16 ? `0x${digits}` : base === 8 ? `0o${digits}` : digits);
  if (value >= 1n << 64n) return -ERRNO.ERANGE;
  if (!signed && negative) return -ERRNO.EINVAL;
  if (signed && (negative ? value > 1n << 63n : value >= 1n << 63n)) return -ERRNO.ERANGE;
  return { consumed: at + digits.length, value: negative ? -value : value };
}

function convert(call: HelperCall, signed: boolean): void {
  const found = parse(call, signed);
  call.kernel.memory.writeU64(call.args.addr(3), 0n);
  if (typeof found === 'number') {
    call.args.retInt(found);
    return;
  }
  call.kernel.memory.writeU64(call.args.addr(3), BigInt.asUintN(64, found.value));
  call.args.retInt(found.consumed);
}

export const STRING: HelperBodies = {
  bpf_strtol: (call) => convert(call, true),
  bpf_strtoul: (call) => convert(call, false),
  bpf_strncmp: ({ args, kernel }) => {
    const { memory } = kernel;
    const [a, size, b] = [args.addr(0), args.u32(1), args.addr(2)];
    for (let i = 0; i < size; i++) {
      const [x, y] = [memory.readU8(a + i), memory.readU8(b + i)];
      if (x !== y) {
        args.retInt(x < y ? -1 : 1);
        return;
      }
      if (x === 0) break;
    }
    args.retInt(0);
  },
};
