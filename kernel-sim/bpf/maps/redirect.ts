/**
 * Where packets are redirected to: devices (Linux 6.12 Documentation/bpf/map_devmap.rst), CPUs (map_cpumap.rst)
 * and AF_XDP sockets (map_xskmap.rst). A slot's value is what user space wrote; programs name slots by key.
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_EXIST, BPF_F_RDONLY_PROG, BPF_MAP_TYPE, BPF_NOEXIST } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { BpfMap, type MapAttrs, type MapContext, MapCreateError } from './map.ts';
import { isSameKind, type ProgKind } from './prog-kind.ts';

/** A device's slot is looked at by programs, never written: the kernel adds the flag itself (dev_map_init_map()). */
const readOnlyForPrograms = (attrs: MapAttrs): MapAttrs =>
  attrs.type === BPF_MAP_TYPE.DEVMAP || attrs.type === BPF_MAP_TYPE.DEVMAP_HASH
    ? { ...attrs, flags: attrs.flags | BPF_F_RDONLY_PROG }
    : attrs;

export class RedirectMap extends BpfMap {
  readonly #context: MapContext;
  /** fixed by the first program that uses it */
  #owner: ProgKind | undefined;
  /** key to address of the value */
  readonly #slots = new Map<number, Addr>();

  constructor(context: MapContext, attrs: MapAttrs) {
    // a pointer for each slot
    if (8 * attrs.maxEntries > context.host.memory.bytes) throw new MapCreateError('ENOMEM', 'more slots than memory');
    super(context, readOnlyForPrograms(attrs), context.layout.bpf_map.sizeof + 8);
    this.#context = context;
  }
  protected override get hostState(): readonly object[] {
    return [this.#slots];
  }
  /** Whether a program may use the map: those of devices and CPUs, whose slots may hold programs, are of one kind. */
  compatible(prog: ProgKind): boolean {
    if (this.type !== BPF_MAP_TYPE.DEVMAP && this.type !== BPF_MAP_TYPE.CPUMAP) return true;
    this.#owner ??= prog;
    return isSameKind(this.#owner, prog);
  }
  get #isHash(): boolean {
    return this.type === BPF_MAP_TYPE.DEVMAP_HASH;
  }
  /** Address of a slot's value, 0 where it is empty. */
  slot(index: number): Addr {
    return this.#slots.get(index >>> 0) ?? 0;
  }
  override lookup(key: Addr): Addr {
    return this.slot(this.host.memory.readU32(key));
  }
  override lookupUser(key: Addr): Uint8Array | number {
    if (this.type === BPF_MAP_TYPE.XSKMAP) return -ERRNO.EOPNOTSUPP;
    return super.lookupUser(key);
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    const { memory, cpus } = this.host;
    const index = memory.readU32(key);
    const target = memory.readU32(value);
    if (flags > BPF_EXIST) return -ERRNO.EINVAL;
    if (!this.#isHash && index >= this.maxEntries) return -ERRNO.E2BIG;
    const isXsk = this.type === BPF_MAP_TYPE.XSKMAP;
    if (!this.#isHash && !isXsk && flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    if (this.#isHash && flags === BPF_NOEXIST && this.#slots.has(index)) return -ERRNO.EEXIST;
    if (this.#isHash && !this.#slots.has(index) && this.#slots.size >= this.maxEntries) return -ERRNO.E2BIG;
    if (this.type === BPF_MAP_TYPE.CPUMAP) {
      // the value is a queue length, the key the CPU
      if (target > 16384) return -ERRNO.EOVERFLOW;
      if (index >= cpus) return -ERRNO.ENODEV;
      if (target === 0) return this.#clear(index);
    } else if (isXsk) {
      this.#context.objects.socket(memory.readS32(value));
      return -ERRNO.EOPNOTSUPP;
    } else if (target === 0) {
      const prog = this.valueSize > 4 ? memory.readS32(value + 4) : -1;
      if (prog > 0) return -ERRNO.EINVAL;
      return this.#clear(index);
    } else {
      this.#context.objects.netdev(target);
    }
    const at = this.#slots.get(index) ?? this.host.kmalloc(this.valueSize);
    memory.writeBytes(at, memory.readBytes(value, this.valueSize));
    this.#slots.set(index, at);
    return 0;
  }
  #clear(index: number): 0 {
    this.#drop(index);
    return 0;
  }
  #drop(index: number): boolean {
    const at = this.#slots.get(index);
    if (at === undefined) return false;
    this.host.kfree(at);
    return this.#slots.delete(index);
  }
  override delete(key: Addr): number {
    const index = this.host.memory.readU32(key);
    if (!this.#isHash && index >= this.maxEntries) return -ERRNO.EINVAL;
    return this.#drop(index) || !this.#isHash ? 0 : -ERRNO.ENOENT;
  }
  override nextKey(key: Addr, next: Addr): number {
    const { memory } = this.host;
    const index = key === 0 ? -1 : memory.readU32(key);
    if (this.#isHash) {
      const keys = [...this.#slots.keys()].sort((a, b) => a - b);
      const after = index < 0 ? keys[0] : keys[keys.indexOf(index) + 1];
      if (after === undefined) return -ERRNO.ENOENT;
      memory.writeU32(next, after);
      return 0;
    }
    if (index >= this.maxEntries || index < 0) memory.writeU32(next, 0);
    else if (index === this.maxEntries - 1) return -ERRNO.ENOENT;
    else memory.writeU32(next, index + 1);
    return 0;
  }
  protected override free(): void {
    for (const index of [...this.#slots.keys()]) this.#drop(index);
  }
}
