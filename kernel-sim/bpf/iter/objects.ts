/** Iterators over what bpf(2) made: maps, programs, links by id; elements of a map; sockets with storage. */
import type { Addr } from '../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { BPF_MAP_TYPE as M } from '../../../src/uapi/index.ts';
import { GuestStruct } from '../../core/guest-struct.ts';
import { type Element, ListWalk, type Walk } from '../../iter/target.ts';
import { type BpfMap, type LocalStorageMap, type SockMap, WalkCursor } from '../maps/index.ts';
import type { Ids } from '../objects/ids.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from '../prog/prog.ts';

/** BPF_OBJ_NAME_LEN */
const NAME = 16;

/** Objects by id: the position is the id. */
function byId<T extends { id: number }>(ids: Ids<T>, address: (object: T) => Addr): Walk {
  return {
    atEnd: [0],
    at: (position): Element | undefined => {
      const id = ids.after(position - 1);
      const object = id === undefined ? undefined : ids.get(id);
      return object && { position: object.id, context: [address(object)] };
    },
  };
}
export const maps = (state: BpfState): Walk => byId(state.maps, (map) => map.addr);
export const progs = (state: BpfState): Walk => byId(state.progs, (prog) => described(state, prog));

/** `struct bpf_prog`, with what `struct bpf_prog_aux` says of it by then. */
function described({ kernel }: BpfState, prog: BpfProg): Addr {
  const { init, usedMaps: maps } = prog;
  const aux = new GuestStruct(kernel, 'bpf_prog_aux', init.aux);
  aux.set('id', prog.id).set('used_map_cnt', maps.length).set('attach_btf_id', init.attachBtfId);
  aux.set('verified_insns', init.verifiedInsns).setBig('load_time', init.loadTime);
  const name = new Uint8Array(NAME);
  name.set(encodeUtf8(init.name).subarray(0, NAME - 1));
  kernel.memory.writeBytes(aux.addressOf('name'), name);
  return prog.addr;
}

/** `struct bpf_link` of a link, made while the iterator is open. */
export function links(state: BpfState): Walk {
  const { kernel } = state;
  const made = new Map<object, Addr>();
  const walk = byId(state.links, (link) => {
    let at = made.get(link);
    if (at === undefined) {
      at = kernel.slab.kmalloc(kernel.structs.of('bpf_link').size);
      made.set(link, at);
    }
    const prog = link.prog === undefined ? 0 : described(state, link.prog);
    new GuestStruct(kernel, 'bpf_link', at).set('id', link.id).set('type', link.type).set('prog', prog);
    return at;
  });
  return {
    ...walk,
    close: () => {
      for (const at of made.values()) kernel.slab.kfree(at);
    },
  };
}

const PER_CPU: ReadonlySet<number> = new Set([M.PERCPU_HASH, M.LRU_PERCPU_HASH, M.PERCPU_ARRAY]);
export const isPerCpu = (map: BpfMap): boolean => PER_CPU.has(map.type);
/** Kinds whose elements can be gone over. */
const WALKED: ReadonlySet<number> = new Set([...PER_CPU, M.HASH, M.LRU_HASH, M.ARRAY]);
export const hasElements = (map: BpfMap): boolean => WALKED.has(map.type);

interface Pair {
  readonly key: Addr;
  readonly value: Addr;
}
/**
 * Elements of a map in its own order: key and value where they lie; of per-CPU maps the values of all CPUs one behind the
 * other, in a buffer that is filled anew for each.
 */
export function elements(state: BpfState, map: BpfMap): Walk {
  const { slab } = state.kernel;
  const { memory, cpus } = state.host;
  const size = (map.valueSize + 7) & ~7;
  // array maps give the index in a word that changes as they go on
  const keys = slab.kmalloc(map.keySize);
  const values = isPerCpu(map) ? slab.kmalloc(size * cpus) : 0;
  const list = (): { readonly key: Uint8Array; readonly value: Addr }[] => {
    const out: { key: Uint8Array; value: Addr }[] = [];
    const cursor = new WalkCursor();
    for (map.walkNext(cursor); cursor.key !== 0; map.walkNext(cursor))
      out.push({ key: memory.readBytes(cursor.key, map.keySize), value: cursor.value });
    return out;
  };
  const place = ({ key, value }: { readonly key: Uint8Array; readonly value: Addr }): Pair => {
    memory.writeBytes(keys, key);
    if (values === 0) return { key: keys, value };
    for (let cpu = 0; cpu < cpus; cpu++)
      memory.writeBytes(values + size * cpu, memory.readBytes(map.lookupPercpu(keys, cpu), map.valueSize));
    return { key: keys, value: values };
  };
  const walk = new ListWalk([map.addr, 0, 0], list, (item) => {
    const { key, value } = place(item);
    return [map.addr, key, value];
  });
  return {
    atEnd: walk.atEnd,
    start: () => walk.start(),
    at: (position) => walk.at(position),
    close: () => {
      slab.kfree(keys);
      if (values !== 0) slab.kfree(values);
    },
  };
}
export const storages = (map: LocalStorageMap): Walk =>
  new ListWalk(
    [map.addr, 0, 0],
    () => map.owners(),
    ([owner, value]) => [map.addr, owner, value],
  );
/** The key is copied for each; slots of a sockmap without a socket are shown too. */
export function sockets(state: BpfState, map: SockMap): Walk {
  const { slab, memory } = state.kernel;
  const key = slab.kmalloc(map.keySize);
  const walk = new ListWalk(
    [map.addr, 0, 0],
    () => map.entries(),
    ([bytes, sk]) => {
      memory.writeBytes(key, bytes);
      return [map.addr, key, sk];
    },
  );
  return {
    atEnd: walk.atEnd,
    start: () => walk.start(),
    at: (position) => walk.at(position),
    close: () => slab.kfree(key),
  };
}
