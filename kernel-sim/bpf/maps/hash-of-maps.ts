/** BPF_MAP_TYPE_HASH_OF_MAPS: Linux 6.12 Documentation/bpf/map_of_maps.rst. */
import type { Addr } from '../../../src/machine/addr.ts';
import { ERRNO } from '../../core/errno.ts';
import { shallow } from '../../core/state.ts';
import { HashMap } from './hash.ts';
import { innerMapMatches } from './inner.ts';
import type { BpfMap, MapAttrs, MapContext } from './map.ts';

/** Hash of maps: elements hold the address of `struct bpf_map`, user space writes descriptors and reads ids. */
export class HashOfMaps extends HashMap {
  readonly #context: MapContext;
  readonly #pointer: Addr;
  readonly #byAddr = new Map<Addr, BpfMap>();

  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs);
    this.#context = context;
    this.#pointer = this.areaAlloc(8);
  }
  protected override get hostState(): readonly object[] {
    return [...super.hostState, shallow(this.#byAddr)];
  }
  protected override get storedSize(): number {
    return 8;
  }
  override lookup(key: Addr): Addr {
    const elem = this.lookupElem(key);
    return elem === 0 ? 0 : this.host.memory.readAddr(elem + this.valueOffset);
  }
  override lookupUser(key: Addr): Uint8Array | number {
    const elem = this.lookupElem(key);
    return elem === 0 ? -ERRNO.ENOENT : this.copyOut(elem);
  }
  /** The inner map's id. */
  protected override copyOut(elem: Addr): Uint8Array {
    const inner = this.#byAddr.get(this.host.memory.readAddr(elem + this.valueOffset));
    const out = new Uint8Array(4);
    new DataView(out.buffer).setUint32(0, inner?.id ?? 0, true);
    return out;
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EINVAL;
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    const { memory } = this.host;
    const map = this.#context.objects.map(memory.readU32(value) | 0);
    if (!innerMapMatches(this.attrs.inner!, map)) return -ERRNO.EINVAL;
    memory.writeAddr(this.#pointer, map.addr);
    map.get();
    this.#byAddr.set(map.addr, map);
    const err = super.updateUser(key, this.#pointer, flags);
    if (err !== 0) map.put();
    return err;
  }
  protected override dropped(elem: Addr): void {
    this.#byAddr.get(this.host.memory.readAddr(elem + this.valueOffset))?.put();
  }
  override walkNext(): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override get canLookupAndDelete(): boolean {
    return false;
  }
}
