/** What most commands begin with: a kernel as the options want it, and the object opened. */
import { type BootOptions, Kernel } from '../../kernel-sim/index.ts';
import { BpfObject } from '../object/index.ts';
import { readInput, readMaybeGzip } from './files.ts';
import type { LoadingOptions } from './loading.ts';
import { err } from './standard.ts';
import { colours } from './terminal.ts';

export interface KernelOptions extends LoadingOptions {
  readonly engine?: 'jit' | 'step' | 'interp';
  readonly kallsyms?: string;
  readonly btf?: string;
  readonly mitigations?: boolean;
  readonly cpu?: BootOptions['cpu'];
  readonly cpus?: number;
  readonly seed?: number;
  /** bytes of guest RAM */
  readonly memory?: number;
  readonly clang?: string;
  /** directory of the host whose files user space has */
  readonly rootfs?: BootOptions['rootfs'];
  readonly sysroot?: string;
  readonly traceFormat?: BootOptions['traceFormat'];
}

export const boot = (options: KernelOptions): Promise<Kernel> => Kernel.boot(bootOptions(options));

/** What the options say of the kernel. */
export function bootOptions(options: KernelOptions): BootOptions {
  return {
    ...(options.engine ? { engine: options.engine } : {}),
    ...(options.mitigations ? { mitigations: true } : {}),
    ...(options.rootfs === undefined ? {} : { rootfs: options.rootfs }),
    ...(options.traceFormat ? { traceFormat: options.traceFormat } : {}),
    ...(options.sysroot === undefined ? {} : { sysroot: options.sysroot }),
    ...(options.cpu ? { cpu: options.cpu } : {}),
    ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.memory === undefined ? {} : { memory: options.memory }),
    ...(options.kallsyms === undefined ? {} : { kallsyms: readMaybeGzip(options.kallsyms) }),
    ...(options.btf === undefined ? {} : { btf: readMaybeGzip(options.btf) }),
  };
}

/** Opens an object file; C source is compiled first. `read` has its bytes where it was read already. */
export async function openInput(
  file: string,
  kernel: Kernel,
  options: KernelOptions,
  read?: Uint8Array,
): Promise<BpfObject> {
  if (!file.endsWith('.c')) return BpfObject.open(read ?? readInput(file), { name: file });
  return BpfObject.open(await compileInput(file, kernel, options), { name: file });
}

/** The object that clang makes of a C file. @throws ClangError */
export async function compileInput(file: string, kernel: Kernel, options: KernelOptions): Promise<Uint8Array> {
  const { compile } = await import('../object/clang.ts');
  return compile(file, {
    ...(options.clang === undefined ? {} : { clang: options.clang }),
    btf: () => kernel.btf,
    color: colours,
    warn: (diagnostics) => err.write(diagnostics),
  });
}
