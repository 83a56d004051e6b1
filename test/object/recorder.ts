/** A kernel that notes what it is asked and agrees: for tests of what loading sends through bpf(2). */

import type {
  BpfSyscalls,
  LinkCreateRequest,
  MapCreateRequest,
  MapHandle,
  MapShape,
  ObjectKernel,
  ProgLoadRequest,
} from '../../src/object/index.ts';
import { MAP_TYPES } from '../../src/uapi/index.ts';

export class RecordedMap implements MapHandle {
  readonly fd: number;
  readonly request: MapCreateRequest;
  readonly contents = new Map<string, Uint8Array>();
  frozen = false;
  constructor(fd: number, request: MapCreateRequest) {
    this.fd = fd;
    this.request = request;
  }
  update(key: Uint8Array, value: Uint8Array): void {
    if (this.frozen) throw new Error('EPERM');
    this.contents.set(Buffer.from(key).toString('hex'), value.slice());
  }
  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.contents.get(Buffer.from(key).toString('hex'));
  }
  delete(key: Uint8Array): void {
    this.contents.delete(Buffer.from(key).toString('hex'));
  }
  *entries(): Generator<[Uint8Array, Uint8Array]> {
    for (const [key, value] of this.contents) yield [Uint8Array.from(Buffer.from(key, 'hex')), value];
  }
  freeze(): void {
    this.frozen = true;
  }
}

export class RecorderKernel implements ObjectKernel {
  readonly cpus = 4;
  readonly release = '6.12.117';
  readonly btf?: NonNullable<ObjectKernel['btf']>;
  readonly config?: string;
  get symbols(): NonNullable<ObjectKernel['symbols']> {
    const { functions } = this;
    return {
      address: (name) => (name.startsWith('missing') ? undefined : -0x7f000000),
      ...(functions ? { functions: () => functions.map((name) => ({ name, kind: 'e' })) } : {}),
    };
  }
  readonly btfLoads: Uint8Array[] = [];
  readonly maps: RecordedMap[] = [];
  readonly programs: ProgLoadRequest[] = [];
  readonly links: (LinkCreateRequest | { prog: number; name: string })[] = [];
  readonly perfEvents: unknown[] = [];
  /** how often a link was detached */
  detached = 0;
  /** paths in bpffs */
  readonly pins = new Map<string, number>();
  /** what patterns are matched against; undefined: this kernel does not say */
  functions: string[] | undefined;
  readonly closed = new Set<number>();
  readonly #linkFds = new Set<number>();
  #fd = 3;

  constructor(btf?: NonNullable<ObjectKernel['btf']>, config?: string) {
    if (btf) this.btf = btf;
    if (config !== undefined) this.config = config;
  }

  readonly perf = {
    open: (attr: unknown): { fd: number } => {
      this.perfEvents.push(attr);
      return { fd: this.#fd++ };
    },
  };

  readonly bpf = {
    btfLoad: (bytes): { fd: number } => {
      this.btfLoads.push(bytes);
      return { fd: this.#fd++ };
    },
    mapCreate: (request): RecordedMap => {
      const map = new RecordedMap(this.#fd++, request);
      this.maps.push(map);
      return map;
    },
    progLoad: (request): { fd: number } => {
      this.programs.push(request);
      return { fd: this.#fd++ };
    },
    close: (fd): void => {
      if (this.#linkFds.has(fd)) this.detached++;
      this.closed.add(fd);
    },
    objPin: (path, fd): void => void this.pins.set(path, fd),
    objGet: (path): number => {
      const fd = this.pins.get(path);
      if (fd === undefined) throw Object.assign(new Error('ENOENT'), { errno: 'ENOENT' });
      return fd;
    },
    map: (fd): RecordedMap & MapShape => {
      const map = this.maps.find((m) => m.fd === fd) as RecordedMap;
      const { request } = map;
      return Object.assign(map, {
        type: MAP_TYPES[request.type] as string,
        keySize: request.keySize,
        valueSize: request.valueSize,
        maxEntries: request.maxEntries,
        flags: request.flags,
      });
    },
    linkCreate: (request): { fd: number; detach(): void } => {
      this.links.push(request);
      this.#linkFds.add(this.#fd);
      return { fd: this.#fd++, detach: () => void this.detached++ };
    },
    rawTracepointOpen: (request): { fd: number; detach(): void } => {
      this.links.push(request);
      this.#linkFds.add(this.#fd);
      return { fd: this.#fd++, detach: () => void this.detached++ };
    },
  } satisfies BpfSyscalls;
}
