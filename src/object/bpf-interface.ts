/**
 * What loading an object asks of a kernel: bpf(2) and perf_event_open(2), and what user space reads
 * in /proc and /sys. The kernel model satisfies it; a test may record what it is asked instead.
 */
import type { Btf, ExtFuncInfo, ExtLineInfo } from '../btf/index.ts';

/** BPF_MAP_CREATE; numbers are those of `union bpf_attr`. */
export interface MapCreateRequest {
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly numaNode?: number;
  readonly mapExtra?: bigint;
  /** descriptor of BTF */
  readonly btf?: number;
  readonly btfKeyTypeId?: number;
  readonly btfValueTypeId?: number;
  readonly btfVmlinuxValueTypeId?: number;
  /** descriptor of a map like those it will hold */
  readonly innerMap?: number;
}

export interface MapHandle {
  readonly fd: number;
  update(key: Uint8Array, value: Uint8Array, flags?: number): void;
  lookup(key: Uint8Array): Uint8Array | undefined;
  delete(key: Uint8Array): void;
  entries(): Iterable<readonly [key: Uint8Array, value: Uint8Array]>;
  freeze?(): void;
  /** name of its type */
  readonly type?: string;
  /** ring buffers: takes what is ready, and tells when something is */
  consume?(): Uint8Array[];
  onReady?(wake: () => void): () => void;
}

/** What OBJ_GET_INFO_BY_FD says of a map. */
export interface MapShape {
  /** name of the type */
  readonly type: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** BPF_PROG_LOAD. */
export interface ProgLoadRequest {
  readonly type: number;
  readonly name: string;
  readonly insns: Uint8Array;
  readonly license: string;
  readonly flags: number;
  readonly expectedAttachType: number;
  /** BTF id in the kernel's BTF, or in `attachProg`'s */
  readonly attachBtf?: number;
  /** function of `attachProg`, by name */
  readonly attachFunc?: string;
  /** descriptor of the program to attach to */
  readonly attachProg?: number;
  /** descriptor of BTF */
  readonly btf?: number;
  readonly funcInfo?: readonly ExtFuncInfo[];
  readonly lineInfo?: readonly ExtLineInfo[];
  readonly logLevel?: number;
  readonly verify?: boolean;
}

export interface ProgHandle {
  readonly fd: number;
}

export interface LinkHandle {
  readonly fd?: number;
  /** all that an iterator's program writes; there are none where it is missing */
  read?(): Uint8Array;
  /** BPF_LINK_DETACH */
  detach(): void;
}

/** BPF_LINK_CREATE. */
export interface LinkCreateRequest {
  /** descriptor of the program; of the map for struct_ops */
  readonly prog: number;
  /** perf event, cgroup or other descriptor; interface index for XDP and tcx */
  readonly target?: number;
  readonly attachType: number;
  readonly flags?: number;
  readonly cookie?: bigint;
  /** `union bpf_iter_link_info` */
  readonly iterInfo?: Uint8Array;
  readonly kprobeMulti?: {
    readonly symbols: readonly string[];
    readonly flags: number;
    readonly cookies?: readonly bigint[];
  };
  readonly uprobeMulti?: {
    readonly path: string;
    readonly offsets: readonly bigint[];
    readonly refCtrOffsets?: readonly bigint[];
    readonly cookies?: readonly bigint[];
    readonly flags: number;
    readonly pid: number;
  };
}

/** bpf(2). */
export interface BpfSyscalls {
  btfLoad(bytes: Uint8Array): { readonly fd: number };
  mapCreate(request: MapCreateRequest): MapHandle;
  progLoad(request: ProgLoadRequest): ProgHandle;
  /** BPF_OBJ_PIN and BPF_OBJ_GET, in the kernel's bpffs */
  objPin?(path: string, fd: number): void;
  objGet?(path: string): number;
  /** the map behind a descriptor */
  map?(fd: number): MapHandle & MapShape;
  /** opens an event on each CPU and puts it into the map's slots */
  perfBuffer?(map: MapHandle, sink: (sample: { readonly data: Uint8Array }) => void): unknown;
  /** close(2) of any descriptor that the above gave */
  close?(fd: number): void;
  linkCreate?(request: LinkCreateRequest): LinkHandle;
  /** RTM_NEWTFILTER: a filter of cls_bpf with direct action, the clsact qdisc with it */
  tcAttach?(request: { readonly prog: number; readonly ifindex: number }): LinkHandle;
  rawTracepointOpen?(request: { readonly prog: number; readonly name: string; readonly cookie?: bigint }): LinkHandle;
}

/** perf_event_open(2), as far as attaching needs it. */
export interface PerfSyscalls {
  open(
    attr:
      | { readonly type: 'kprobe'; readonly func?: string; readonly offset?: number; readonly ret?: boolean }
      | { readonly type: 'uprobe'; readonly path: string; readonly offset: number; readonly ret?: boolean }
      | { readonly type: 'tracepoint'; readonly category: string; readonly event: string },
    pid?: number,
    cpu?: number,
  ): { readonly fd: number };
}

/** /proc/kallsyms. */
export interface KernelSymbols {
  address(name: string): number | undefined;
  at?(address: number): { readonly name: string; readonly offset: number } | undefined;
  /** also among symbols that are not looked at otherwise */
  find?(name: string): { readonly address: number } | undefined;
  /** functions, for patterns; `kind` e, s and b in either case can be hooked by ftrace */
  functions?(): Iterable<{ readonly name: string; readonly kind?: string }>;
}

/** A kernel to load into. */
export interface ObjectKernel {
  readonly bpf: BpfSyscalls;
  readonly perf?: PerfSyscalls;
  readonly cpus: number;
  /** `uname -r` */
  readonly release: string;
  /** /sys/kernel/btf/vmlinux */
  readonly btf?: Btf;
  /** files of user space, which sections name */
  readonly root?: { read(path: string): Uint8Array | undefined };
  /** text of /proc/config.gz */
  readonly config?: string;
  /** told when everything went back to an earlier state */
  readonly restored?: { add(told: () => void): () => void };
  /** /proc/kallsyms: the signed 64-bit address as a number */
  readonly symbols?: KernelSymbols;
}
