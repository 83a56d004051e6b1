/**
 * The kernel's half of the address space, Linux 6.12 Documentation/arch/x86/x86_64/mm.rst,
 * four-level page tables, without KASLR.
 */
export {
  KERNEL_TEXT,
  MODULES_END,
  MODULES_VADDR,
  PAGE_OFFSET,
  PAGE_SIZE,
  START_KERNEL_MAP,
  TASK_SIZE_MAX,
  VMALLOC_END,
  VMALLOC_START,
} from '../../src/machine/index.ts';

/** Kernel stacks: CONFIG_VMAP_STACK, THREAD_SIZE 16 KiB. */
export const THREAD_SIZE = 16384;
