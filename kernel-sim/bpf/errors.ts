/** Errors of bpf(2). */
import { BpfError, KernelError } from '../../src/errors/kernel.ts';

export { BpfError, NotModelledError } from '../../src/errors/kernel.ts';

/** Errors of the kernel's other parts as bpf(2) gives them. */
export function asBpf<T>(command: string, attach: () => T): T {
  try {
    return attach();
  } catch (error) {
    if (error instanceof KernelError && !(error instanceof BpfError))
      throw new BpfError(command, error.errno, error.message);
    throw error;
  }
}
