/**
 * Arrays of kernel objects: programs (tail calls), perf events, cgroups and maps
 * (Linux 6.12 Documentation/bpf/map_of_maps.rst and map_cgroup_storage.rst).
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_F_PRESERVE_ELEMS } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { FdArrayMap, type FdSlot } from './array.ts';
import { innerMapMatches } from './inner.ts';
import type { MapAttrs, MapContext } from './map.ts';
import { isSameKind, type ProgKind } from './prog-kind.ts';

export class ProgArrayMap extends FdArrayMap {
  readonly #context: MapContext;
  /** fixed by the first program that uses the map or lies in it */
  owner: { type: number; jited: boolean; xdpHasFrags: boolean } | undefined;
  /** told of each change of a slot: direct tail calls to it are patched */
  readonly pokes = new Set<(index: number, old: FdSlot | undefined, now: FdSlot | undefined) => void>();

  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs);
    this.#context = context;
  }
  override save() {
    return { ...super.save(), owner: this.owner, pokes: [...this.pokes] };
  }
  override restore(state: ReturnType<ProgArrayMap['save']>): void {
    super.restore(state);
    this.owner = state.owner;
    this.pokes.clear();
    for (const poke of state.pokes) this.pokes.add(poke);
  }
  override fdinfo(): string {
    const { owner } = this;
    const type = owner === undefined ? '' : `owner_prog_type:\t${owner.type}\nowner_jited:\t${owner.jited ? 1 : 0}\n`;
    return super.fdinfo() + type;
  }
  /** Whether a program may call through this map or lie in it; the first one decides for all. */
  compatible(prog: ProgKind): boolean {
    this.owner ??= { type: prog.type, jited: prog.jited, xdpHasFrags: prog.xdpHasFrags };
    return isSameKind(this.owner, prog);
  }
  protected override resolveFd(fd: number): FdSlot | number {
    const prog = this.#context.objects.prog(fd);
    return this.compatible(prog) ? prog : -ERRNO.EINVAL;
  }
  protected override changed(index: number, old: FdSlot | undefined, now: FdSlot | undefined): void {
    for (const poke of this.pokes) poke(index, old, now);
  }
  /** Its slots are emptied, as programs in it may hold it. */
  protected override userGone(): void {
    for (let i = 0; i < this.slots.length; i++) if (this.slots[i]) this.set(i, undefined);
  }
}

export class PerfEventArrayMap extends FdArrayMap {
  readonly #context: MapContext;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs);
    this.#context = context;
  }
  protected override resolveFd(fd: number): FdSlot | number {
    return this.#context.objects.perf(fd);
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return -ERRNO.ENOTSUPP;
  }
  /** Without BPF_F_PRESERVE_ELEMS its events go with the descriptor that put them there. */
  protected override userGone(): void {
    if ((this.flags & BPF_F_PRESERVE_ELEMS) !== 0) return;
    for (let i = 0; i < this.slots.length; i++) if (this.slots[i]) this.set(i, undefined);
  }
}

export class CgroupArrayMap extends FdArrayMap {
  readonly #context: MapContext;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs);
    this.#context = context;
  }
  protected override resolveFd(fd: number): FdSlot | number {
    return this.#context.objects.cgroup(fd);
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return -ERRNO.ENOTSUPP;
  }
}

export class ArrayOfMaps extends FdArrayMap {
  readonly #context: MapContext;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs);
    this.#context = context;
  }
  protected override resolveFd(fd: number): FdSlot | number {
    const map = this.#context.objects.map(fd);
    return innerMapMatches(this.attrs.inner!, map) ? map : -ERRNO.EINVAL;
  }
  override lookup(key: Addr): Addr {
    return this.slotAddr(this.index(key));
  }
}
