/** Stack traces by id: BPF_MAP_TYPE_STACK_TRACE; buckets are `struct stack_map_bucket`, one a slot. */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_F_FAST_STACK_CMP, BPF_F_REUSE_STACKID, BPF_F_STACK_BUILD_ID } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { jhash } from './jhash.ts';
import { BpfMap, type MapAttrs, type MapContext } from './map.ts';

export class StackTraceMap extends BpfMap {
  readonly #buckets: number;
  readonly #scratch: Addr;
  constructor(context: MapContext, attrs: MapAttrs) {
    const buckets = 2 ** Math.ceil(Math.log2(attrs.maxEntries));
    const f = context.layout.bpf_stack_map;
    super(context, attrs, f.buckets + 8 * buckets);
    this.#buckets = buckets;
    this.#scratch = this.areaAlloc(attrs.valueSize);
    this.host.memory.writeU32(this.addr + f.n_buckets, buckets);
  }
  get hasBuildIds(): boolean {
    return (this.flags & BPF_F_STACK_BUILD_ID) !== 0;
  }
  /** frames that fit a trace */
  get depth(): number {
    return this.valueSize / (this.hasBuildIds ? 32 : 8);
  }
  #slot(id: number): Addr {
    return this.addr + this.layout.bpf_stack_map.buckets + 8 * id;
  }

  /** Stores a trace; its id, or an error number. */
  store(frames: readonly Addr[], flags: number): number {
    const { memory } = this.host;
    const f = this.layout.stack_map_bucket;
    const trace = frames.slice(0, this.depth);
    for (const [i, ip] of trace.entries()) memory.writeAddr(this.#scratch + 8 * i, ip);
    const phys = memory.hostPhysical(this.#scratch, 0);
    const hash = jhash(memory.view, memory.u8, phys, trace.length * 8, 0);
    const id = (hash & (this.#buckets - 1)) >>> 0;
    const old = memory.readAddr(this.#slot(id));
    if (old !== 0) {
      const same = memory.readS32(old + f.hash) === hash;
      if (same && flags & BPF_F_FAST_STACK_CMP) return id;
      const equal =
        same &&
        memory.readU32(old + f.nr) === trace.length &&
        trace.every((ip, i) => memory.readAddr(old + f.data + 8 * i) === ip);
      if (equal) return id;
      if (!(flags & BPF_F_REUSE_STACKID)) return -ERRNO.EEXIST;
      this.host.kfree(old);
    }
    const bucket = this.host.kmalloc(f.data + this.valueSize);
    memory.writeU32(bucket + f.hash, hash);
    memory.writeU32(bucket + f.nr, trace.length);
    for (const [i, ip] of trace.entries()) memory.writeAddr(bucket + f.data + 8 * i, ip);
    memory.writeAddr(this.#slot(id), bucket);
    return id;
  }

  override lookup(_key: Addr): Addr {
    return -ERRNO.EOPNOTSUPP;
  }
  override lookupUser(key: Addr): Uint8Array | number {
    const { memory } = this.host;
    const id = memory.readU32(key);
    const bucket = id < this.#buckets ? memory.readAddr(this.#slot(id)) : 0;
    return bucket === 0 ? -ERRNO.ENOENT : memory.readBytes(bucket + this.layout.stack_map_bucket.data, this.valueSize);
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EINVAL;
  }
  override delete(key: Addr): number {
    const { memory } = this.host;
    const id = memory.readU32(key);
    if (id >= this.#buckets) return -ERRNO.E2BIG;
    const bucket = memory.readAddr(this.#slot(id));
    if (bucket === 0) return -ERRNO.ENOENT;
    memory.writeAddr(this.#slot(id), 0);
    this.host.kfree(bucket);
    return 0;
  }
  override nextKey(key: Addr, next: Addr): number {
    const { memory } = this.host;
    let id = 0;
    if (key !== 0) {
      const given = memory.readU32(key);
      const valid = given < this.#buckets && memory.readAddr(this.#slot(given)) !== 0;
      id = valid ? given + 1 : 0;
    }
    while (id < this.#buckets && memory.readAddr(this.#slot(id)) === 0) id++;
    if (id >= this.#buckets) return -ERRNO.ENOENT;
    memory.writeU32(next, id);
    return 0;
  }
  protected override free(): void {
    for (let id = 0; id < this.#buckets; id++) {
      const bucket = this.host.memory.readAddr(this.#slot(id));
      if (bucket !== 0) this.host.kfree(bucket);
    }
  }
}
