/**
 * What iterators write, and structures as text: bpf-helpers(7), bpf_seq_printf, bpf_seq_write, bpf_seq_printf_btf,
 * bpf_snprintf_btf. A seq_file (Linux 6.12 Documentation/filesystems/seq_file.rst) that has no room left is full to its end: whoever
 * reads it takes a larger buffer and asks for the element again.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { addrOf } from '../../../../src/machine/addr.ts';
import { GuestFault } from '../../../../src/machine/index.ts';
import { encodeLatin1 } from '../../../../src/platform/index.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { isKernel } from './access.ts';
import { BTF_F, BtfShow } from './btf-show.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

/** sizeof(struct btf_ptr): pointer, type, flags */
const BTF_PTR_SIZE = 16;
const BTF_F_ALL = BTF_F.COMPACT | BTF_F.NONAME | BTF_F.PTR_RAW | BTF_F.ZERO;

/** `seq_write`: all of it, or nothing and the buffer counts as full. */
function write(call: HelperCall, bytes: Uint8Array): number {
  const m = new GuestStruct(call.kernel, 'seq_file', call.args.addr(0));
  const [count, size] = [m.get('count'), m.get('size')];
  if (count + bytes.length >= size) {
    m.set('count', size);
    return -ERRNO.EOVERFLOW;
  }
  call.kernel.memory.writeBytes(m.get('buf') + count, bytes);
  m.set('count', count + bytes.length);
  return 0;
}

const seqPrintf: HelperBody = (call) => {
  const { args, printing } = call;
  const format = printing.format(args.addr(1), args.u32(2));
  const count = printing.values(args.addr(3), args.u32(4));
  const { printer, words } = printing;
  if (format === undefined || count < 0 || !printer.print(format, words, count, Number.MAX_SAFE_INTEGER))
    args.retInt(-ERRNO.EINVAL);
  else args.retInt(write(call, printer.out.subarray(0, printer.length)));
};

/** The text of what a `struct btf_ptr` points to, or why there is none. */
function shown(call: HelperCall, pointer: Addr, size: number, flags: number): string | number {
  const { memory, btf } = call.kernel;
  if (flags & ~BTF_F_ALL || size !== BTF_PTR_SIZE) return -ERRNO.EINVAL;
  const id = memory.readU32(pointer + 8);
  if (memory.readU32(pointer + 12) !== 0 || id === 0) return -ERRNO.EINVAL;
  if (id >= btf.typeCount) return -ERRNO.ENOENT;
  const hash = (address: bigint): bigint => {
    const [lo, hi] = [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))];
    return BigInt(call.printing.hash(lo, hi) >>> 0);
  };
  const show = new BtfShow({ btf, bytes: (at, n) => memory.readBytes(at, n), hash }, flags);
  const at = addrOf(memory.readS32(pointer), memory.readS32(pointer + 4));
  if (!isKernel(at)) return -ERRNO.ERANGE;
  try {
    return show.show(id, at);
  } catch (error) {
    if (error instanceof GuestFault) return -ERRNO.EFAULT;
    throw error;
  }
}

export const SEQ: HelperBodies = {
  bpf_seq_printf: seqPrintf,
  bpf_seq_write: (call) => {
    const { args, kernel } = call;
    args.retInt(write(call, kernel.memory.readBytes(args.addr(1), args.u32(2))));
  },
  bpf_seq_printf_btf: (call) => {
    const { args } = call;
    const text = shown(call, args.addr(1), args.u32(2), args.u32(3));
    args.retInt(typeof text === 'number' ? text : write(call, encodeLatin1(text)));
  },
  /** Answers with the length of the whole text; what does not fit is cut off. */
  bpf_snprintf_btf: (call) => {
    const { args, kernel } = call;
    const [to, size] = [args.addr(0), args.u32(1)];
    const text = shown(call, args.addr(2), args.u32(3), args.hi(4) === 0 ? args.u32(4) : -1);
    if (typeof text === 'number') return args.retInt(text);
    const out = new Uint8Array(Math.min(size, text.length + 1));
    out.set(encodeLatin1(text.slice(0, Math.max(0, size - 1))));
    kernel.memory.writeBytes(to, out);
    args.retInt(text.length);
  },
};
