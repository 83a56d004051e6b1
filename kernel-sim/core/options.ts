/** How a kernel is booted. */
import { ArgumentError, checkOptions, type Schema } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import { DEFAULT_MEMORY_BYTES, isMemorySize, MEMORY_SIZES } from '../../src/machine/index.ts';
import { CPU_NAMES, type CpuName } from '../data/cpus.ts';
import { FILE_SYSTEM_NAMES, type FileSystemName } from '../data/file-systems.ts';

/** What executes BPF programs: translated image, image instruction by instruction, or BPF instructions. */
export type EngineName = 'jit' | 'step' | 'interp';

/** Kernels whose lines of trace_pipe differ. */
export const TRACE_FORMATS = ['6.12', '5.8'] as const;
export type TraceFormat = (typeof TRACE_FORMATS)[number];

export interface BootOptions {
  /** CPUs, 1 to 64; default 1 */
  readonly cpus?: number;
  readonly engine?: EngineName;
  /** another kernel's symbol addresses: path of a kallsyms file (gzip too) or its bytes */
  readonly kallsyms?: string | Uint8Array;
  /** another kernel's BTF, as /sys/kernel/btf/vmlinux has it */
  readonly btf?: Uint8Array;
  /** Spectre's and its kin's mitigations, as a kernel without `mitigations=off` has them; default false */
  readonly mitigations?: boolean;
  /** the processor, by QEMU's name: what the JIT may use of it, and what it must mitigate; default max */
  readonly cpu?: CpuName;
  /** seeds everything random; default 1 */
  readonly seed?: number;
  /** guest RAM in bytes, 128 MiB to 2 GiB in steps of 64 KiB; default 1 GiB, of which only touched pages cost anything */
  readonly memory?: number;
  /**
   * type of the root file system, whose module is loaded then: its functions can be probed, and are called for files on it;
   * without it no module of a file system is loaded
   */
  readonly rootfs?: FileSystemName;
  /** the kernel whose trace_pipe lines bpf_trace_printk's look like, for what reads them; default 6.12 */
  readonly traceFormat?: TraceFormat;
  /** directory of the host whose files user space has, read only; without it only files that are put there */
  readonly sysroot?: string;
}

/** What a kernel cannot be booted from: an option by name, or a package without its data. */
export class BootError extends ArgumentError {
  override readonly name = 'BootError';
  constructor(argument: string, problem: string) {
    super(argument, problem, 'ERR_BOOT');
  }
}

const memorySize: is.Check = (value) =>
  typeof value === 'number' && isMemorySize(value)
    ? undefined
    : `${is.shown(value)} bytes: a kernel has ${MEMORY_SIZES}`;

const OPTIONS: Schema<BootOptions> = {
  cpus: is.whole(1, 64),
  engine: is.oneOf('jit', 'step', 'interp'),
  kallsyms: is.either(is.text, is.bytes),
  btf: is.bytes,
  mitigations: is.bool,
  cpu: is.oneOf(...CPU_NAMES),
  seed: is.whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  memory: memorySize,
  rootfs: is.oneOf(...FILE_SYSTEM_NAMES),
  traceFormat: is.oneOf(...TRACE_FORMATS),
  sysroot: is.text,
};

/** Options with their defaults. @throws BootError naming the option that cannot be used. */
export function bootOptions(o: BootOptions) {
  checkOptions('options', o, OPTIONS, (argument, problem) => new BootError(argument, problem));
  const { cpus = 1, engine = 'jit', cpu = 'max', mitigations = false, memory = DEFAULT_MEMORY_BYTES, seed = 1 } = o;
  const { kallsyms, btf, rootfs, sysroot, traceFormat = '6.12' } = o;
  return { cpus, engine, cpu, mitigations, memory, seed, kallsyms, btf, rootfs, sysroot, traceFormat };
}
