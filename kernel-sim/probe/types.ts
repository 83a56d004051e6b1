/** What attaching a program to a place in the kernel's text needs and gives. */
import type { Addr } from '../../src/machine/addr.ts';

/** A loaded program as the kernel's own text sees it. */
export interface ProgRef {
  /** `struct bpf_prog` in guest memory; its `bpf_func` and `insnsi` are what the kernel's text calls */
  readonly address: Addr;
  /** value of `bpf_func`: the image, or the interpreter's entry. Called as entry(ctx, insnsi) */
  readonly entry: Addr;
  readonly name: string;
  readonly sleepable?: boolean;
  /** it looks at so many bytes of its context, as its verifier found */
  readonly maxCtxOffset?: number;
  /** it calls bpf_get_func_ip, for which a trampoline keeps the address */
  readonly getsFuncIp?: boolean;
  /** false: a trampoline passes the interpreter's entry the address of the instructions too */
  readonly jited?: boolean;
  /** it is no program, and runs those of cgroups */
  readonly isShim?: boolean;
}

export type ProbeKind =
  | 'kprobe'
  | 'kretprobe'
  | 'fentry'
  | 'fexit'
  | 'fmod_ret'
  | 'lsm'
  | 'tracepoint'
  | 'raw_tracepoint'
  | 'uprobe'
  | 'uretprobe'
  | 'perf_event'
  | 'freplace';

/** One attachment: what was patched, and how to undo it. */
export interface ProbeLink {
  readonly kind: ProbeKind;
  /** function, or `category:event` of a tracepoint */
  readonly symbol: string;
  /** address patched: for a kprobe on an entry, that of the 5-byte nop */
  readonly address: Addr;
  /** from the symbol */
  readonly offset: number;
  /** text at `address` before and after the patch (the whole patched instruction; tracepoints: the static-key nop and jump) */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** how: `ftrace` call, `int3`, BPF trampoline `direct` call, `static_key` */
  readonly via: 'ftrace' | 'int3' | 'direct' | 'static_key' | 'timer';
  /** how often it was hit since attach; undefined where the kernel keeps no count (trampolines, tracepoints) */
  readonly hits: number | undefined;
  /** kprobes: how often their handlers could not run, because others were at work, or no return node was left */
  readonly missed?: () => bigint;
  /** why it will not be hit: nothing in the model reaches the place */
  readonly unreached?: string;
  detach(): void;
}

/** Where a kprobe goes. `symbol` with `offset`, or an address. */
export interface KprobePoint {
  readonly symbol?: string;
  readonly address?: Addr;
  readonly offset?: number;
  /** kretprobe */
  readonly ret?: boolean;
  /** bpf_get_attach_cookie */
  readonly cookie?: bigint;
  /** one of a multi link's places */
  readonly multi?: true;
}

/** Where a uprobe goes: a place in a file, wherever that is mapped. */
export interface UprobePoint {
  /** in the root of user space */
  readonly path: string;
  /** bytes from the file's beginning */
  readonly offset: number;
  /** uretprobe: when the function that begins there returns */
  readonly ret?: boolean;
  /** only in this process */
  readonly tgid?: number;
  /** offset in the file of a u16 that counts who looks, as USDT probes have one */
  readonly refCounter?: number;
  /** bpf_get_attach_cookie */
  readonly cookie?: bigint;
  /** one of a multi link's places */
  readonly multi?: true;
  /** what it is called, for people */
  readonly symbol?: string;
}

export interface TrampolinePoint {
  readonly kind: 'fentry' | 'fexit' | 'fmod_ret' | 'lsm';
  /** kernel function, or the image of another BPF program */
  readonly target: string | Addr;
  /** bytes of each argument (structures by value up to 16), and of the result (0: void), from BTF */
  readonly argSizes: readonly number[];
  readonly retSize: number;
  readonly cookie?: bigint;
}
