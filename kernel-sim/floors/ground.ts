/**
 * Floor 0, the ground: memory and what executes it, allocators, layouts, time, chance, descriptors. Nothing here knows
 * a symbol, a task or a program. Each floor is an interface; a part takes in its constructor the lowest that serves it.
 */
import type { Btf } from '../../src/btf/index.ts';
import type { CpuState, GuestMemory, Machine } from '../../src/machine/index.ts';
import type { Args } from '../core/args.ts';
import type { Clock } from '../core/clock.ts';
import type { Context } from '../core/context.ts';
import type { DirectMap } from '../core/direct-map.ts';
import type { FdTable } from '../core/fds.ts';
import type { EngineName } from '../core/options.ts';
import type { Executor } from '../core/pause.ts';
import type { Printk } from '../core/printk.ts';
import type { Process } from '../core/process.ts';
import type { Random } from '../core/random.ts';
import type { Rcu } from '../core/rcu.ts';
import type { Structs } from '../core/structs.ts';
import type { Sysctl } from '../core/sysctl.ts';
import type { CpuName } from '../data/cpus.ts';
import type { FileSystemName } from '../data/file-systems.ts';
import type { BpfPack } from '../mm/bpf-pack.ts';
import type { PerCpu } from '../mm/percpu.ts';
import type { Slab } from '../mm/slab.ts';
import type { Vmalloc } from '../mm/vmalloc.ts';

export interface Ground {
  /** `uname -r` */
  readonly release: string;
  readonly cpus: number;
  readonly engine: EngineName;
  /** the processor, by QEMU's name */
  readonly cpuModel: CpuName;
  /** the kernel mitigates speculation: unprivileged programs are walked and masked for it */
  readonly mitigations: boolean;
  /** type of the root file system, whose module is loaded then */
  readonly rootfs: FileSystemName | undefined;
  readonly machine: Machine;
  readonly memory: GuestMemory;
  /** the kernel's own objects */
  readonly direct: DirectMap;
  readonly cpu: CpuState;
  /** arguments and result of a hypercall */
  readonly args: Args;
  readonly structs: Structs;
  /** the kernel's own BTF, parsed on first use */
  readonly btf: Btf;
  readonly slab: Slab;
  readonly vmalloc: Vmalloc;
  readonly percpu: PerCpu;
  readonly bpfPack: BpfPack;
  /** what may be freed only when no guest code is in the middle of it */
  readonly rcu: Rcu;
  /** interrupt state and identity of what runs on the current CPU */
  readonly context: Context;
  readonly clock: Clock;
  readonly random: Random;
  readonly fds: FdTable;
  /** the loader, as system calls see it */
  readonly process: Process;
  readonly sysctl: Sysctl;
  readonly printk: Printk;
  /** what executes instructions besides the machine: the BPF interpreter, where it is the engine and has something to run */
  interp: Executor | undefined;
  /** value of {@link Machine.marked} from which helpers call nothing back any more */
  markedLimit: number;
}
