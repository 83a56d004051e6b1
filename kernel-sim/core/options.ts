/** How a kernel is booted. */
import { DEFAULT_MEMORY_BYTES, isMemorySize, MEMORY_SIZES } from '../../src/machine/index.ts';
import { CPU_NAMES, type CpuName } from '../data/cpus.ts';
import { KernelError } from './errno.ts';

/** What executes BPF programs: translated image, image instruction by instruction, or BPF instructions. */
export type EngineName = 'jit' | 'step' | 'interp';

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
}

export class BootError extends KernelError {
  override readonly name = 'BootError';
  constructor(message: string) {
    super('EINVAL', message);
  }
}

/** Options with their defaults. @throws BootError naming the option that cannot be used. */
export function bootOptions(o: BootOptions) {
  const cpus = o.cpus ?? 1;
  if (!Number.isInteger(cpus) || cpus < 1 || cpus > 64)
    throw new BootError(`cpus: ${cpus} is not a number from 1 to 64`);
  const engine = o.engine ?? 'jit';
  if (engine !== 'jit' && engine !== 'step' && engine !== 'interp') {
    throw new BootError(`engine: '${String(engine)}' is none of jit, step, interp`);
  }
  const memory = o.memory ?? DEFAULT_MEMORY_BYTES;
  if (!isMemorySize(memory)) throw new BootError(`memory: ${memory} bytes: a kernel has ${MEMORY_SIZES}`);
  const cpu = o.cpu ?? 'max';
  if (!CPU_NAMES.includes(cpu)) throw new BootError(`cpu: '${String(cpu)}' is none of ${CPU_NAMES.join(', ')}`);
  const mitigations = o.mitigations ?? false;
  if (typeof mitigations !== 'boolean')
    throw new BootError(`mitigations: ${String(mitigations)} is neither true nor false`);
  return { cpus, engine, cpu, mitigations, memory, seed: o.seed ?? 1, kallsyms: o.kallsyms, btf: o.btf };
}
