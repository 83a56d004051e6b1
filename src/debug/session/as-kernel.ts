/** What the kernel's own commands do, they do at CPL 0, whatever runs at the moment. */
import { type CpuState, KERNEL_CS } from '../../machine/index.ts';

export function asKernel<T>(cpu: CpuState, run: () => T): T {
  const { cs } = cpu;
  cpu.cs = KERNEL_CS;
  try {
    return run();
  } finally {
    cpu.cs = cs;
  }
}
