/**
 * Local storage: a value that belongs to a task, cgroup, inode or socket, and to the map
 * (Linux 6.12 Documentation/bpf/map_cgrp_storage.rst, map_sk_storage.rst). The owner is named by its address.
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_EXIST, BPF_LOCAL_STORAGE_GET_F_CREATE, BPF_MAP_TYPE, BPF_NOEXIST } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { BpfMap, type MapAttrs, type MapContext } from './map.ts';

export class LocalStorageMap extends BpfMap {
  readonly #context: MapContext;
  readonly #values = new Map<Addr, Addr>();
  readonly #forget: () => void;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs, context.layout.bpf_map.sizeof + 64);
    this.#context = context;
    // bpf_task_storage_free() and its kin: an owner takes its storage along
    this.#forget = this.host.onFree((owner) => void this.removeOwner(owner));
  }
  protected override get hostState(): readonly object[] {
    return [this.#values];
  }
  /** Owners with their values. */
  owners(): readonly (readonly [owner: Addr, value: Addr])[] {
    return [...this.#values];
  }
  /** Value of an owner, made on demand; 0 where there is none. `init`: what a new value starts as, 0 for zeroes. */
  storageOf(owner: Addr, init: Addr, flags: number): Addr {
    const at = this.#values.get(owner);
    if (at !== undefined) return at;
    if (!(flags & BPF_LOCAL_STORAGE_GET_F_CREATE)) return 0;
    const made = this.host.kmalloc(this.valueSize);
    if (init !== 0) this.#write(made, init);
    this.#values.set(owner, made);
    return made;
  }
  #write(at: Addr, value: Addr): void {
    const { memory } = this.host;
    if (this.fields) {
      this.fields.copy(memory, this.phys(at), value, this.valueSize);
      this.fields.free(at);
    } else memory.writeBytes(at, memory.readBytes(value, this.valueSize));
  }
  removeOwner(owner: Addr): number {
    const at = this.#values.get(owner);
    if (at === undefined) return -ERRNO.ENOENT;
    this.fields?.free(at);
    this.host.kfree(at);
    this.#values.delete(owner);
    return 0;
  }
  /** The key is a descriptor of the owner. */
  #owner(key: Addr): Addr {
    const { objects } = this.#context;
    const fd = this.host.memory.readS32(key);
    return (this.type === BPF_MAP_TYPE.SK_STORAGE ? objects.socket(fd) : objects.cgroup(fd)).addr;
  }
  override lookup(key: Addr): Addr {
    return this.#values.get(this.#owner(key)) ?? 0;
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    if (flags > BPF_EXIST) return -ERRNO.EINVAL;
    const owner = this.#owner(key);
    const has = this.#values.has(owner);
    if (has && flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    if (!has && flags === BPF_EXIST) return -ERRNO.ENOENT;
    const at = this.storageOf(owner, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
    this.#write(at, value);
    return 0;
  }
  override delete(key: Addr): number {
    return this.removeOwner(this.#owner(key));
  }
  override nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.ENOTSUPP;
  }
  protected override free(): void {
    this.#forget();
    for (const at of this.#values.values()) {
      this.fields?.free(at);
      this.host.kfree(at);
    }
  }
}

/** Storage of a cgroup and program (deprecated by CGRP_STORAGE): one value, which programs reach by bpf_get_local_storage. */
export class CgroupStorageMap extends BpfMap {
  /** address of the value that programs of the root cgroup share */
  readonly shared: Addr;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs, context.layout.bpf_map.sizeof + 64);
    this.shared = this.areaAlloc(attrs.valueSize);
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return -ERRNO.ENOENT;
  }
  override updateUser(_key: Addr, _value: Addr, flags: number): number {
    return flags & BPF_NOEXIST ? -ERRNO.EINVAL : -ERRNO.ENOENT;
  }
  override delete(_key: Addr): number {
    return -ERRNO.EINVAL;
  }
  override nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.ENOENT;
  }
}
