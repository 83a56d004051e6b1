/** Dynamic pointers: bpf-helpers(7), bpf_dynptr_from_mem and its kin; `struct bpf_dynptr_kern` is data, size with flags, offset. */
import type { Addr } from '../../../../src/machine/addr.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { RingbufMap } from '../../maps/index.ts';
import type { HelperBodies, HelperCall } from './call.ts';

export const SIZE_MASK = 0xff_ffff;
const TYPE_SHIFT = 28;
const TYPE_LOCAL = 1;
const TYPE_RINGBUF = 2;
export const TYPE_SKB = 3;
export const TYPE_XDP = 4;
const PACKETS: Readonly<Record<number, 'sk_buff' | 'xdp_buff'>> = { [TYPE_SKB]: 'sk_buff', [TYPE_XDP]: 'xdp_buff' };
export const READ_ONLY = 1 << 31;

export function init(call: HelperCall, at: Addr, data: Addr, size: number, type: number): void {
  const { memory } = call.kernel;
  memory.writeAddr(at, data);
  memory.writeU32(at + 8, size | (type << TYPE_SHIFT));
  memory.writeU32(at + 12, 0);
}
export function clear(call: HelperCall, at: Addr): void {
  call.kernel.memory.fillBytes(at, 0, 16);
}
export interface Dynptr {
  readonly at: Addr;
  /** 0 where it is null */
  readonly data: Addr;
  /** where its bytes begin: of a packet, where the packet is now */
  readonly start: Addr;
  readonly size: number;
  readonly offset: number;
  /** size with type and flags */
  readonly word: number;
  readonly readOnly: boolean;
}

/** What a `struct bpf_dynptr_kern` says. */
export function readDynptr(call: HelperCall, at: Addr): Dynptr {
  const { memory } = call.kernel;
  const word = memory.readS32(at + 8);
  const data = memory.readAddr(at);
  const offset = memory.readU32(at + 12);
  const struct = PACKETS[(word >> TYPE_SHIFT) & 7];
  const base = data !== 0 && struct ? new GuestStruct(call.kernel, struct, data).get('data') : data;
  return { at, data, start: base + offset, size: word & SIZE_MASK, offset, word, readOnly: (word & READ_ONLY) !== 0 };
}
export const outside = (size: number, offset: number, length: number): boolean =>
  length > size || offset > size - length;

function commit(call: HelperCall, discard: boolean): void {
  const { args, kernel } = call;
  const at = args.addr(0);
  const data = kernel.memory.readAddr(at);
  if (data !== 0) {
    for (const map of call.state.maps.values()) {
      if (map instanceof RingbufMap && data >= map.rb && data < map.rb + 12288 + 2 * map.size)
        map.commit(data, args.lo(1), discard);
    }
    clear(call, at);
  }
  args.ret(0, 0);
}

export const DYNPTR: HelperBodies = {
  bpf_dynptr_from_mem: (call) => {
    const { args } = call;
    const at = args.addr(3);
    const size = args.u32(1);
    const bad = size > SIZE_MASK ? -ERRNO.E2BIG : args.lo(2) !== 0 || args.hi(2) !== 0 ? -ERRNO.EINVAL : 0;
    if (bad === 0) init(call, at, args.addr(0), size, TYPE_LOCAL);
    else clear(call, at);
    args.retInt(bad);
  },
  bpf_ringbuf_reserve_dynptr: (call) => {
    const { args } = call;
    const at = args.addr(3);
    const map = call.map(0) as RingbufMap;
    const size = args.u32(1);
    if (args.lo(2) !== 0 || args.hi(2) !== 0) {
      clear(call, at);
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    const sample = size > SIZE_MASK ? 0 : map.reserve(size);
    if (sample === 0) {
      clear(call, at);
      args.retInt(size > SIZE_MASK ? -ERRNO.E2BIG : -ERRNO.EINVAL);
      return;
    }
    init(call, at, sample, size, TYPE_RINGBUF);
    args.retInt(0);
  },
  bpf_ringbuf_submit_dynptr: (call) => commit(call, false),
  bpf_ringbuf_discard_dynptr: (call) => commit(call, true),
  bpf_dynptr_read: (call) => {
    const { args, kernel } = call;
    const d = readDynptr(call, args.addr(2));
    const [length, offset] = [args.u32(1), args.u32(3)];
    const bad = d.data === 0 || args.lo(4) !== 0 ? -ERRNO.EINVAL : outside(d.size, offset, length) ? -ERRNO.E2BIG : 0;
    if (bad === 0 && length > 0)
      kernel.memory.writeBytes(args.addr(0), kernel.memory.readBytes(d.start + offset, length));
    args.retInt(bad);
  },
  bpf_dynptr_write: (call) => {
    const { args, kernel } = call;
    const d = readDynptr(call, args.addr(0));
    const [offset, length] = [args.u32(1), args.u32(3)];
    const bad =
      d.data === 0 || d.readOnly
        ? -ERRNO.EINVAL
        : outside(d.size, offset, length)
          ? -ERRNO.E2BIG
          : args.lo(4) !== 0
            ? -ERRNO.EINVAL
            : 0;
    if (bad === 0 && length > 0)
      kernel.memory.writeBytes(d.start + offset, kernel.memory.readBytes(args.addr(2), length));
    args.retInt(bad);
  },
  bpf_dynptr_data: (call) => {
    const { args } = call;
    const d = readDynptr(call, args.addr(0));
    const [offset, length] = [args.u32(1), args.u32(2)];
    args.retAddr(d.data === 0 || d.readOnly || outside(d.size, offset, length) ? 0 : d.start + offset);
  },
};
