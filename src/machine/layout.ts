/**
 * Where things are: Linux's x86-64 virtual layout and this machine's physical one.
 *
 * Virtual: Linux 6.12 Documentation/arch/x86/x86_64/mm.rst, four-level page tables, nokaslr.
 *
 *     0000000000000000 .. 00007fffffffefff  user space
 *     ffff888000000000                      direct map of all physical memory
 *     ffffc90000000000 .. ffffe8ffffffffff  vmalloc
 *     fffffe0000000000                      cpu_entry_area
 *     ffffffff80000000 + physical           kernel image, text at ffffffff81000000
 *     ffffffffc0000000 .. fffffffffeffffff  modules, BPF images
 *
 * Physical: an offset into the machine's one WebAssembly memory.
 *
 *     0         .. 1 MiB      the machine's own: CPU state, TLB, mailbox (never mapped)
 *     1 MiB     .. 16 MiB     as on a PC, not handed out
 *     16 MiB    .. 64 MiB     kernel image, where Linux links itself
 *     64 MiB    .. 96 MiB     pages whose direct-map alias may become read-only (BPF images)
 *     96 MiB    .. size       everything else: slab, vmalloc, user pages
 *     size      ..            the machine's own again: decoded instructions (exec/loop/slot.ts); never mapped
 *     behind it ..            the host's, where it asks for some: never mapped, as the BPF interpreter's programs
 *
 * The last zone is separate because its direct map stays readable and writable for ever,
 * which lets translated code check an address against one constant window.
 */
import type { Addr } from './addr.ts';

export const PAGE_SIZE = 4096;
const MiB = 1 << 20;

/** First address that user space cannot have (TASK_SIZE_MAX). */
export const TASK_SIZE_MAX: Addr = 0x7fff_ffff_f000;
/** `page_offset_base`, ffff888000000000. */
export const PAGE_OFFSET: Addr = -0x7780_0000_0000;
/** `vmalloc_base`, ffffc90000000000, and its end. */
export const VMALLOC_START: Addr = -0x3700_0000_0000;
export const VMALLOC_END: Addr = -0x1700_0000_0000;
/** cpu_entry_area, fffffe0000000000. */
export const CPU_ENTRY_AREA: Addr = -0x200_0000_0000;
/** `__START_KERNEL_map`, ffffffff80000000. */
export const START_KERNEL_MAP: Addr = -0x8000_0000;
/** `_text`, ffffffff81000000. */
export const KERNEL_TEXT: Addr = -0x7f00_0000;
/** MODULES_VADDR and MODULES_END, ffffffffc0000000 and ffffffffff000000. */
export const MODULES_VADDR: Addr = -0x4000_0000;
export const MODULES_END: Addr = -0x100_0000;

/** Guest RAM starts here. */
export const RAM_PHYS = MiB;
/** Physical address of the kernel image: `_text` minus `__START_KERNEL_map`. */
export const KERNEL_PHYS = 16 * MiB;
export const IMAGE_ZONE_PHYS = 64 * MiB;
export const GENERAL_ZONE_PHYS = 96 * MiB;
export const DEFAULT_MEMORY_BYTES = 1024 * MiB;
/** Smallest machine: 32 MiB above the fixed zones. */
export const MIN_MEMORY_BYTES = 128 * MiB;
/** Largest: physical addresses are positive 32-bit numbers. */
export const MAX_MEMORY_BYTES = 2048 * MiB;
/** A page of WebAssembly memory: sizes are multiples of it. */
export const MEMORY_STEP = 64 << 10;
/** What sizes there are, for people. */
export const MEMORY_SIZES = `${MIN_MEMORY_BYTES / MiB} MiB to ${MAX_MEMORY_BYTES / MiB / 1024} GiB in steps of ${MEMORY_STEP / 1024} KiB`;

/** Whether a machine can have so many bytes of memory. */
export const isMemorySize = (bytes: number): boolean =>
  bytes >= MIN_MEMORY_BYTES && bytes <= MAX_MEMORY_BYTES && bytes % MEMORY_STEP === 0;

/** Machine-private physical area: byte offsets. The first page stays empty, so that offset 0 means nothing. */
export const CPU_PHYS = 0x1000;
/** Flag words and state of the stepping loop (exec/loop/slot.ts). */
export const STEP_PHYS = 0x1200;
/** Values and indices that generated code leaves for the host. */
export const MAILBOX_PHYS = 0x2000;
/** Software TLB: six tables (kernel read, write, execute; user read, write, execute). */
export const TLB_PHYS = 0x4000;
export const TLB_ENTRIES = 1024;
/** One entry: i64 page | fff, i32 physical page, i32 unused. */
export const TLB_ENTRY_BYTES = 16;
export const TLB_TABLE_BYTES = TLB_ENTRIES * TLB_ENTRY_BYTES;

/** Fingerprints of pages, while a save looks for what has changed (save/page-hash.ts): 1 KiB. */
export const SCAN_PHYS = 0x1e000;
/** Where elements of a hash map are, while user space goes through them (kernel-sim/bpf/maps/hash-code.ts): 260 bytes. */
export const WALK_PHYS = 0x1f000;
/** Bytes behind the guest's RAM for decoded instructions. */
export const CODE_ZONE_BYTES = 5 * MiB;

/** Translated code by address: 4096 entries of 16 bytes (translate/calls.ts). */
export const CALLS_PHYS = 0x20000;

/** Kinds of access: index of a TLB table within its mode. */
export const READ = 0;
export const WRITE = 1;
export const EXEC = 2;
export type Access = 0 | 1 | 2;
/** Byte offset of user mode's three tables from kernel mode's. */
export const TLB_USER_OFFSET = 3 * TLB_TABLE_BYTES;
