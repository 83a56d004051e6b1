/**
 * Ring buffers: Linux 6.12 Documentation/bpf/ringbuf.rst, and the one that user space fills
 * (BPF_MAP_TYPE_USER_RINGBUF). The structure takes a page, the consumer's and the producer's positions a page
 * each, and the data pages follow twice in a row, so that a record that runs over the end stays contiguous.
 */

import type { Addr } from '../../../src/machine/addr.ts';
import {
  BPF_MAP_TYPE,
  BPF_RB_FORCE_WAKEUP,
  BPF_RB_NO_WAKEUP,
  BPF_RINGBUF_BUSY_BIT,
  BPF_RINGBUF_DISCARD_BIT,
  BPF_RINGBUF_HDR_SZ,
} from '../../../src/uapi/index.ts';
import { ENDLESS, ERRNO, KernelBug } from '../../core/errno.ts';
import { EPOLLIN, EPOLLRDNORM } from '../../core/file-ops.ts';
import { Listeners } from '../../core/listeners.ts';
import { BpfMap, copyIn, type MapAttrs, type MapContext, type MappedPages } from './map.ts';

const PAGE = 4096;
const MAX_RECORD = 0x3fff_ffff;
const LENGTH_MASK = ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

export class RingbufMap extends BpfMap {
  /** address of `struct bpf_ringbuf` */
  readonly rb: Addr;
  readonly #phys: number;
  readonly #size: number;
  /** a record is ready for the consumer, who may be asleep */
  readonly woken = new Listeners<[]>();

  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs, context.layout.bpf_ringbuf_map.sizeof);
    const f = context.layout.bpf_ringbuf;
    const { memory } = this.host;
    this.#size = attrs.maxEntries;
    this.rb = this.areaAlloc(f.data + 2 * this.#size, true);
    this.#phys = this.phys(this.rb);
    memory.map(this.rb + f.data + this.#size, this.#phys + f.data, this.#size, { write: true });
    memory.writeAddr(this.addr + context.layout.bpf_ringbuf_map.rb, this.rb);
    memory.writeU32(this.rb + f.mask, this.#size - 1);
    memory.writeU32(this.rb + f.nr_pages, 3 + this.#size / PAGE);
  }

  get size(): number {
    return this.#size;
  }
  /** `ringbuf_map_mem_usage`: the pages, and where they are, those of the data twice */
  override get memoryUsage(): number {
    const pages = this.#size / PAGE;
    return this.layout.bpf_ringbuf_map.sizeof + (3 + pages) * PAGE + (3 + 2 * pages) * 8;
  }
  get isUser(): boolean {
    return this.type === BPF_MAP_TYPE.USER_RINGBUF;
  }

  /** There are records that the consumer has not taken. */
  poll(): number {
    return this.consumerPos === this.producerPos ? 0 : EPOLLIN | EPOLLRDNORM;
  }
  onWake(wake: () => void): () => void {
    return this.woken.add(wake);
  }
  /** A page for each position, the consumer's first (Linux 6.12 Documentation/bpf/ringbuf.rst). */
  ring(): { readonly consumer: number; readonly producer: number } {
    return { consumer: 0, producer: PAGE };
  }

  // Positions are u64 counters; a double holds them as long as less than 8 PiB went through.
  #get(offset: number): number {
    const { view } = this.host.memory;
    return view.getUint32(this.#phys + offset, true) + view.getUint32(this.#phys + offset + 4, true) * 0x1_0000_0000;
  }
  #set(offset: number, value: number): void {
    const { view } = this.host.memory;
    view.setUint32(this.#phys + offset, value >>> 0, true);
    view.setUint32(this.#phys + offset + 4, Math.floor(value / 0x1_0000_0000), true);
  }
  get consumerPos(): number {
    return this.#get(this.layout.bpf_ringbuf.consumer_pos);
  }
  set consumerPos(n: number) {
    this.#set(this.layout.bpf_ringbuf.consumer_pos, n);
  }
  get producerPos(): number {
    return this.#get(this.layout.bpf_ringbuf.producer_pos);
  }
  set producerPos(n: number) {
    this.#set(this.layout.bpf_ringbuf.producer_pos, n);
  }
  #headerPhys(pos: number): number {
    return this.#phys + this.layout.bpf_ringbuf.data + (pos % this.#size);
  }
  /** Bytes that the consumer has not taken. */
  get available(): number {
    return this.producerPos - this.consumerPos;
  }

  /** Address of room for a record of `size` bytes, 0 where there is none. */
  reserve(size: number): Addr {
    const { view } = this.host.memory;
    if (size > MAX_RECORD) return 0;
    const length = recordLength(size);
    if (length > this.#size) return 0;
    const producer = this.producerPos;
    let pending = this.#get(this.layout.bpf_ringbuf.pending_pos);
    for (let left = this.#size / 8; pending < producer; left--) {
      if (left === 0) throw new KernelBug(ENDLESS);
      const header = view.getInt32(this.#headerPhys(pending), true);
      if (header & BPF_RINGBUF_BUSY_BIT) break;
      pending += recordLength(header & LENGTH_MASK);
    }
    this.#set(this.layout.bpf_ringbuf.pending_pos, pending);
    const next = producer + length;
    // Over the consumer's position, or over a record that is still being written.
    if (next - this.consumerPos > this.#size - 1 || next - pending > this.#size - 1) return 0;
    const header = this.#headerPhys(producer);
    const offset = this.layout.bpf_ringbuf.data + (producer % this.#size);
    view.setInt32(header, size | BPF_RINGBUF_BUSY_BIT, true);
    view.setInt32(header + 4, offset >>> 12, true);
    this.producerPos = next;
    return this.rb + offset + BPF_RINGBUF_HDR_SZ;
  }

  /** Submits or discards a reserved record. */
  commit(sample: Addr, flags: number, discard: boolean): void {
    const { view } = this.host.memory;
    const position = (sample - BPF_RINGBUF_HDR_SZ - this.rb - this.layout.bpf_ringbuf.data) % this.#size;
    const header = this.#headerPhys(position);
    const length = view.getInt32(header, true) & LENGTH_MASK;
    view.setInt32(header, discard ? length | BPF_RINGBUF_DISCARD_BIT : length, true);
    const caughtUp = this.consumerPos % this.#size === position;
    if (flags & BPF_RB_FORCE_WAKEUP || (caughtUp && !(flags & BPF_RB_NO_WAKEUP))) this.woken.tell();
  }

  output(data: Addr, size: number, flags: number): number {
    if (flags & ~(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP)) return -ERRNO.EINVAL;
    const at = this.reserve(size);
    if (at === 0) return -ERRNO.EAGAIN;
    const { memory } = this.host;
    const offset = at - this.rb - this.layout.bpf_ringbuf.data;
    // behind the last data page the first ones follow again, in virtual memory only
    if (offset + size <= this.#size) copyIn(memory, this.#phys + this.layout.bpf_ringbuf.data + offset, data, size);
    else memory.writeBytes(at, memory.readBytes(data, size));
    this.commit(at, flags, false);
    return 0;
  }

  /** Takes what is ready, as a consumer that mapped the ring does: up to a record that is still being written. */
  *consume(): IterableIterator<Uint8Array> {
    const { view, u8 } = this.host.memory;
    if (this.producerPos - this.consumerPos > this.#size) throw new KernelBug('a ring buffer holds more than its size');
    for (let pos = this.consumerPos; pos < this.producerPos; ) {
      const at = this.#headerPhys(pos);
      const header = view.getInt32(at, true);
      if (header & BPF_RINGBUF_BUSY_BIT) return;
      const size = header & LENGTH_MASK;
      const start = (pos + BPF_RINGBUF_HDR_SZ) % this.#size;
      const data = new Uint8Array(size);
      const base = this.#phys + this.layout.bpf_ringbuf.data;
      const first = Math.min(size, this.#size - start);
      data.set(u8.subarray(base + start, base + start + first));
      data.set(u8.subarray(base, base + size - first), first);
      pos += recordLength(size);
      this.consumerPos = pos;
      if (!(header & BPF_RINGBUF_DISCARD_BIT)) yield data;
    }
  }

  /** User ring: writes a record as a producer that mapped the ring does; false where there is no room. */
  produce(data: Uint8Array): boolean {
    const length = recordLength(data.length);
    const producer = this.producerPos;
    if (producer + length - this.consumerPos > this.#size) return false;
    const { memory } = this.host;
    const at = this.rb + this.layout.bpf_ringbuf.data + (producer % this.#size);
    memory.writeU32(at, data.length);
    memory.writeU32(at + 4, 0);
    memory.writeBytes(at + BPF_RINGBUF_HDR_SZ, data);
    this.producerPos = producer + length;
    return true;
  }

  /** User ring: the next record's address and size; a negative error number where there is none or it is malformed. */
  peekUser(): { at: Addr; size: number } | number {
    const { memory } = this.host;
    for (let left = this.#size / 8; ; left--) {
      if (left < 0) throw new KernelBug(ENDLESS);
      const producer = this.producerPos;
      const consumer = this.consumerPos;
      if (producer % 8 !== 0) return -ERRNO.EINVAL;
      if (consumer >= producer) return -ERRNO.ENODATA;
      const header = this.rb + this.layout.bpf_ringbuf.data + (consumer % this.#size);
      const word = memory.readS32(header);
      if (word & BPF_RINGBUF_BUSY_BIT) return -ERRNO.EAGAIN;
      const size = word & LENGTH_MASK;
      const length = recordLength(size);
      if (length > producer - consumer) return -ERRNO.EINVAL;
      if (length > this.#size) return -ERRNO.E2BIG;
      if (!(word & BPF_RINGBUF_DISCARD_BIT)) return { at: header + BPF_RINGBUF_HDR_SZ, size };
      this.consumerPos = consumer + length;
    }
  }
  releaseUser(size: number): void {
    this.consumerPos += recordLength(size);
  }

  override lookup(_key: Addr): Addr {
    return 0;
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return -ERRNO.ENOTSUPP;
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.ENOTSUPP;
  }
  override delete(_key: Addr): number {
    return -ERRNO.ENOTSUPP;
  }
  override nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.ENOTSUPP;
  }
  protected override mappable(offset: number, bytes: number, write: boolean): MappedPages | number {
    // The one who only reads a position may not map it writable.
    const writable = this.isUser ? offset >= PAGE : offset === 0 && bytes === PAGE;
    if (write && !writable) return -ERRNO.EPERM;
    if (offset + bytes > 2 * PAGE + 2 * this.#size) return -ERRNO.EINVAL;
    const out: { phys: number; bytes: number }[] = [];
    const first = this.#phys + this.layout.bpf_ringbuf.consumer_pos;
    for (let at = offset; at < offset + bytes; at += PAGE) {
      const phys = at < 2 * PAGE ? first + at : first + 2 * PAGE + ((at - 2 * PAGE) % this.#size);
      out.push({ phys, bytes: PAGE });
    }
    return out;
  }
}

/** Bytes that a record takes with its header. */
const recordLength = (size: number): number => (size + BPF_RINGBUF_HDR_SZ + 7) & ~7;
