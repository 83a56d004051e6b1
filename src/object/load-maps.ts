/** Creating an object's maps: attributes as libbpf gives them, inner maps first, contents after. */

import { KernelError } from '../errors/index.ts';
import { BPF_MAP_TYPE, BPF_OBJ_NAME_LEN, mapTypeName } from '../uapi/index.ts';
import type { MapCreateRequest, MapHandle, ObjectKernel } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import { isMapInMap } from './maps/names.ts';
import { kernelStructOps } from './maps/struct-ops.ts';
import type { MapDef, ObjectModel } from './model.ts';
import { type MapOverride, mapNamed } from './overrides.ts';

/** Types that the kernel refuses BTF for. */
const WITHOUT_BTF = new Set<number>([
  BPF_MAP_TYPE.PERF_EVENT_ARRAY,
  BPF_MAP_TYPE.CGROUP_ARRAY,
  BPF_MAP_TYPE.STACK_TRACE,
  BPF_MAP_TYPE.ARRAY_OF_MAPS,
  BPF_MAP_TYPE.HASH_OF_MAPS,
  BPF_MAP_TYPE.DEVMAP,
  BPF_MAP_TYPE.DEVMAP_HASH,
  BPF_MAP_TYPE.CPUMAP,
  BPF_MAP_TYPE.XSKMAP,
  BPF_MAP_TYPE.SOCKMAP,
  BPF_MAP_TYPE.SOCKHASH,
  BPF_MAP_TYPE.QUEUE,
  BPF_MAP_TYPE.STACK,
  BPF_MAP_TYPE.ARENA,
]);

/** Where libbpf and tc pin. */
const pinPath = (map: MapDef): string => `/sys/fs/bpf/${map.pinning === 'tc_globals' ? 'tc/globals/' : ''}${map.name}`;

const KEY0 = new Uint8Array(4);
const u32 = (value: number): Uint8Array => new Uint8Array(new Uint32Array([value]).buffer);

/** Sizes that the kernel wants whatever the object says: libbpf passes these on as they are, and fails; Cilium's loader corrects them. */
const FIXED_SIZES: ReadonlyMap<number, { readonly keySize: number; readonly valueSize: number }> = new Map([
  [BPF_MAP_TYPE.RINGBUF, { keySize: 0, valueSize: 0 }],
  [BPF_MAP_TYPE.USER_RINGBUF, { keySize: 0, valueSize: 0 }],
  [BPF_MAP_TYPE.PERF_EVENT_ARRAY, { keySize: 4, valueSize: 4 }],
  [BPF_MAP_TYPE.PROG_ARRAY, { keySize: 4, valueSize: 4 }],
]);

/** What loaders take where a stack trace map does not say how deep: PERF_MAX_STACK_DEPTH frames (linux/perf_event.h). */
const STACK_BYTES = 127 * 8;

export class MapLoader {
  readonly #overrides: ReadonlyMap<MapDef, MapOverride>;
  readonly #object: ObjectModel;
  readonly #kernel: ObjectKernel;
  readonly #btfFd: number | undefined;
  readonly handles = new Map<MapDef, MapHandle>();
  readonly warnings: string[] = [];

  /** @param btfFd the object's BTF in the kernel, where it took it */
  constructor(
    object: ObjectModel,
    kernel: ObjectKernel,
    btfFd: number | undefined,
    overrides: ReadonlyMap<MapDef, MapOverride> = new Map(),
  ) {
    this.#overrides = overrides;
    this.#object = object;
    this.#kernel = kernel;
    this.#btfFd = btfFd;
  }

  /** Creates and fills one map. @throws the kernel's error */
  create(map: MapDef): MapHandle {
    const known = this.handles.get(map);
    if (known) return known;
    let innerMap: number | undefined;
    const named = this.#overrides.get(map)?.inner;
    const inner = named === undefined ? map.inner : mapNamed(this.#object, named);
    if (isMapInMap(map.type) && inner) innerMap = this.create(inner).fd;
    const request = this.#request(map, innerMap);
    const pinned = map.pinning !== 'none' ? this.#reuse(map, request) : undefined;
    const handle = pinned ?? this.#createOne(request, map);
    this.handles.set(map, handle);
    if (pinned) return handle;
    this.#fill(map, handle);
    if (map.pinning !== 'none') this.#pin(map, handle);
    return handle;
  }

  /** A map that was pinned before under this name, if it is of the same shape. */
  #reuse(map: MapDef, request: MapCreateRequest): MapHandle | undefined {
    const { bpf } = this.#kernel;
    if (!bpf.objGet || !bpf.map) return undefined;
    let fd: number;
    try {
      fd = bpf.objGet(pinPath(map));
    } catch (error) {
      if ((error as { errno?: unknown }).errno === 'ENOENT') return undefined;
      throw error;
    }
    const found = bpf.map(fd);
    const same =
      found.type === mapTypeName(request.type) &&
      found.keySize === request.keySize &&
      found.valueSize === request.valueSize &&
      found.maxEntries === request.maxEntries &&
      found.flags === request.flags;
    if (!same) {
      bpf.close?.(fd);
      throw new ObjectError(
        this.#object.file,
        `map '${map.name}'`,
        `the map pinned at ${pinPath(map)} has another type or size; unpin it, or rename this one`,
      );
    }
    return found;
  }

  #pin(map: MapDef, handle: MapHandle): void {
    if (this.#kernel.bpf.objPin) this.#kernel.bpf.objPin(pinPath(map), handle.fd);
    else this.warnings.push(`map '${map.name}' is not pinned: this kernel has no bpffs`);
  }

  #request(map: MapDef, innerMap: number | undefined): MapCreateRequest {
    const fixed = FIXED_SIZES.get(map.type);
    const override = this.#overrides.get(map);
    const sizes = fixed ?? {
      keySize: override?.keySize ?? map.keySize,
      valueSize: override?.valueSize ?? (map.valueSize || (map.type === BPF_MAP_TYPE.STACK_TRACE ? STACK_BYTES : 0)),
    };
    if (fixed && (sizes.keySize !== map.keySize || sizes.valueSize !== map.valueSize)) {
      this.warnings.push(
        `map '${map.name}' (${mapTypeName(map.type)}): key and value of ${map.keySize} and ${map.valueSize} bytes, which the kernel refuses; created with ${sizes.keySize} and ${sizes.valueSize}`,
      );
    }
    const btf =
      this.#btfFd !== undefined &&
      fixed === undefined &&
      (map.btfKey !== 0 || map.btfValue !== 0) &&
      !WITHOUT_BTF.has(map.type);
    let maxEntries = override?.maxEntries ?? map.maxEntries;
    if (map.type === BPF_MAP_TYPE.PERF_EVENT_ARRAY && maxEntries === 0) maxEntries = this.#kernel.cpus;
    return {
      type: map.type,
      name: map.name.slice(0, BPF_OBJ_NAME_LEN - 1),
      ...sizes,
      maxEntries,
      flags: map.flags,
      ...(map.numaNode === 0 ? {} : { numaNode: map.numaNode }),
      ...(map.mapExtra === 0n ? {} : { mapExtra: map.mapExtra }),
      ...(innerMap === undefined ? {} : { innerMap }),
      ...(btf ? { btf: this.#btfFd as number, btfKeyTypeId: map.btfKey, btfValueTypeId: map.btfValue } : {}),
      ...this.#structOps(map),
    };
  }

  #structOps(map: MapDef): Partial<MapCreateRequest> {
    if (!map.structOps) return {};
    const type = this.#object.btf?.typeById(map.structOps.type);
    const kernel = type && this.#kernel.btf && kernelStructOps(this.#kernel.btf, type.name.replace(/___.*$/, ''));
    if (!kernel || !this.#kernel.btf)
      throw new ObjectError(
        this.#object.file,
        `struct_ops '${map.name}'`,
        `the kernel has no struct_ops '${type?.name ?? ''}'`,
      );
    return { valueSize: this.#kernel.btf.sizeOf(kernel.wrapper), btfVmlinuxValueTypeId: kernel.wrapper };
  }

  #createOne(request: MapCreateRequest, map: MapDef): MapHandle {
    try {
      return this.#kernel.bpf.mapCreate(request);
    } catch (error) {
      if (request.btf === undefined) throw this.#named(error, map, request);
      const { btf: _fd, btfKeyTypeId: _key, btfValueTypeId: _value, ...bare } = request;
      let handle: MapHandle;
      try {
        handle = this.#kernel.bpf.mapCreate(bare);
      } catch (again) {
        throw this.#named(again, map, request);
      }
      this.warnings.push(
        `map '${map.name}' (${mapTypeName(map.type)}): created without BTF, which the kernel refused: ${error instanceof Error ? error.message : String(error)}`,
      );
      return handle;
    }
  }

  /** The kernel's error, with the map's own name and, where its loader must say more, what. */
  #named(error: unknown, map: MapDef, request: MapCreateRequest): unknown {
    if (!(error instanceof KernelError)) return error;
    const name = map.realName;
    const lacks = [
      ...(request.maxEntries === 0 ? [`how many entries it has (--map ${name}=ENTRIES)`] : []),
      ...(request.valueSize === 0 && !FIXED_SIZES.has(map.type)
        ? [`how large its values are (--map ${name}=ENTRIES:VALUE_SIZE)`]
        : []),
      ...(isMapInMap(map.type) && request.innerMap === undefined ? [`which maps it holds (--inner ${name}=MAP)`] : []),
    ];
    const said = lacks.length === 0 ? '' : `; the object does not say ${lacks.join(', nor ')}`;
    error.message = `${this.#object.file}: map '${name}': ${error.message}${said}`;
    return error;
  }

  #fill(map: MapDef, handle: MapHandle): void {
    if (map.data && map.type === BPF_MAP_TYPE.ARRAY) {
      handle.update(KEY0, map.data, 0);
      if (map.origin === 'rodata' || map.origin === 'kconfig') handle.freeze?.();
    }
    if (!isMapInMap(map.type)) return;
    for (const [slot, name] of map.slots.entries()) {
      const inner = name === '' ? undefined : this.#object.maps.find((m) => m.name === name);
      if (inner) handle.update(u32(slot), u32(this.create(inner).fd), 0);
    }
  }

  /** Puts loaded programs into the tables of prog arrays. */
  fillProgArrays(fdOf: (program: string) => number | undefined): void {
    for (const map of this.#object.maps) {
      const handle = this.handles.get(map);
      if (map.type !== BPF_MAP_TYPE.PROG_ARRAY || !handle) continue;
      for (const [slot, name] of map.slots.entries()) {
        const fd = name === '' ? undefined : fdOf(name);
        if (fd !== undefined) handle.update(u32(slot), u32(fd), 0);
      }
    }
  }
}
