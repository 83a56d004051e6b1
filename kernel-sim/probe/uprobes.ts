/**
 * uprobes: probes of places in files, which are in every process that maps them (Linux 6.12
 * Documentation/trace/uprobetracer.rst). A probe is a file and an offset; where the file is mapped, now or later, an int3
 * lies on the process's own copy of the page.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { PROT } from '../../src/uapi/process.ts';
import { KernelError } from '../core/errno.ts';
import { capture } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { TraceArg } from '../task/user-call.ts';
import { MMF_HAS_UPROBES } from '../text/assembly/uprobes.ts';
import { type AddressSpace, isFileVma, type Vma } from '../user/address-space.ts';
import { normalPath } from '../user/root.ts';
import { RecordedFunctions, type UserFunction } from './recorded-functions.ts';
import type { ProbeLink, ProgRef, UprobePoint } from './types.ts';
import { UprobeHits } from './uprobe-hits.ts';
import { uprobeInsn } from './uprobe-insn.ts';
import { type Installed, type InstalledIn, type UprobeConsumer, UprobeSite } from './uprobe-site.ts';

const INT3 = Uint8Array.of(0xcc);
/** the longest instruction */
const MAX_LENGTH = 15;

export class Uprobes {
  readonly #kernel: ObjectFloor;
  /** by path and offset */
  readonly #sites = new Map<string, UprobeSite>();
  readonly #installed: InstalledIn = new Map();
  readonly #hits: UprobeHits;
  readonly #recorded: RecordedFunctions;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.#hits = new UprobeHits(kernel, this.#installed);
    this.#recorded = new RecordedFunctions(kernel, this.#sites, this.#installed, this.#hits.regs);
    const { mappings, exited } = kernel.tasks;
    mappings.mapped.add((space, vma) => this.#mapped(space, vma));
    mappings.unmapped.add((space, vma) => this.#unmapped(space, vma));
    exited.add((task) => this.#hits.forget(task));
  }
  save() {
    return capture({ sites: this.#sites, installed: this.#installed, hits: this.#hits });
  }
  restore(state: ReturnType<Uprobes['save']>): void {
    state.back();
  }
  /** A recorded task enters a function: what kernel text is called with then; undefined where no probe is on it. */
  entered(task: Task, func: UserFunction, args: readonly TraceArg[]): Addr | undefined {
    return this.#recorded.enter(task, () => this.#hits.current(), func, args);
  }
  /** ... and returns from it. */
  left(task: Task, func: UserFunction, result: TraceArg | undefined): Addr | undefined {
    return this.#recorded.leave(task, this.#hits.find(task), func, result);
  }
  /** What bpf_get_func_ip gives in a program on a uprobe of this task: the breakpoint's or the function's address. */
  vaddr(task: Task): Addr {
    return this.#hits.find(task)?.vaddr ?? 0;
  }
  /** Where the current task is to be found at a function's beginning, which has not made its frame yet. */
  atFunctionEntry(task: Task): boolean {
    return this.#hits.atFunctionEntry(task);
  }

  /**
   * Whether a probe can be there.
   * @throws KernelError ENOENT no such file in the root of user space; EINVAL beyond its end, or a counter at an odd offset
   */
  check({ path, offset, refCounter = 0 }: UprobePoint): Uint8Array {
    const bytes = this.#kernel.root.read(normalPath(path, this.#kernel.root.cwd));
    if (bytes === undefined)
      throw new KernelError(
        'ENOENT',
        `${path}: user space has no such file; give the directory that has it with --sysroot, or run it as a program`,
      );
    if (offset < 0 || offset >= bytes.length)
      throw new KernelError('EINVAL', `${path}+0x${offset.toString(16)} lies beyond its end (${bytes.length} bytes)`);
    if (refCounter % 2 !== 0) throw new KernelError('EINVAL', `a reference counter at 0x${refCounter.toString(16)}`);
    return bytes;
  }
  /** @throws KernelError as {@link check}; ENOTSUPP, EOPNOTSUPP for instructions that cannot be probed */
  attach(prog: ProgRef, point: UprobePoint): ProbeLink {
    const bytes = this.check(point);
    const path = normalPath(point.path, this.#kernel.root.cwd);
    const { offset, refCounter = 0 } = point;
    const key = `${path}:${offset}`;
    let site = this.#sites.get(key);
    if (site !== undefined && refCounter !== 0 && site.refCounter !== refCounter)
      throw new KernelError('EINVAL', `${path}+0x${offset.toString(16)} has another reference counter`);
    if (site === undefined) {
      const insn = uprobeInsn(bytes.subarray(offset, offset + MAX_LENGTH));
      site = new UprobeSite(this.#kernel, path, offset, insn, refCounter);
      this.#sites.set(key, site);
    }
    const consumer = site.add(prog, point, this.#mm(point.tgid));
    this.#apply(site);
    return this.#link(site, consumer, point);
  }
  #mm(tgid: number | undefined): Addr {
    const task = tgid === undefined ? undefined : this.#kernel.tasks.find(tgid);
    return task === undefined ? 0 : this.#kernel.memory.readAddr(task.field('mm'));
  }
  #link(site: UprobeSite, consumer: UprobeConsumer, { ret, symbol }: UprobePoint): ProbeLink {
    const { bytes } = site.insn;
    let attached = true;
    return {
      kind: ret ? 'uretprobe' : 'uprobe',
      symbol: symbol ?? site.path,
      address: site.offset,
      offset: symbol === undefined ? site.offset : 0,
      before: bytes,
      after: Uint8Array.of(0xcc, ...bytes.subarray(1)),
      via: 'int3',
      get hits() {
        return consumer.nhit.value;
      },
      detach: () => {
        if (!attached) return;
        attached = false;
        site.remove(consumer);
        this.#apply(site);
        if (site.consumers.length === 0) this.#sites.delete(`${site.path}:${site.offset}`);
      },
    };
  }

  // --- breakpoints in address spaces ---

  #of(space: AddressSpace): Installed {
    let installed = this.#installed.get(space);
    if (installed === undefined) {
      installed = { at: new Map(), counted: new Set() };
      this.#installed.set(space, installed);
    }
    return installed;
  }
  /** Puts breakpoints where they are wanted, and takes out those that are not. */
  #apply(site: UprobeSite): void {
    const seen = new Set<AddressSpace>();
    for (const task of this.#kernel.tasks.all()) {
      if (task.maps === undefined || seen.has(task.maps)) continue;
      seen.add(task.maps);
      for (const vma of task.maps.areas) this.#place(task.maps, task.tgid, site, vma);
    }
  }
  #place(space: AddressSpace, tgid: number, site: UprobeSite, vma: Vma): void {
    if (vma.name !== site.path || !isFileVma(vma)) return;
    const wanted = site.wantedIn(tgid);
    if (isCode(vma) && covers(vma, site.offset)) {
      const at = vma.start + site.offset - vma.offset;
      const installed = this.#of(space);
      if (wanted && !installed.at.has(at)) {
        installed.at.set(at, site);
        space.poke(at, INT3);
        this.#mark(space);
      } else if (!wanted && installed.at.get(at) === site) {
        installed.at.delete(at);
        space.poke(at, site.insn.bytes.subarray(0, 1));
      }
    }
    this.#count(space, site, vma, wanted);
  }
  /** The counter of those who look is in a writable mapping of the same file. */
  #count(space: AddressSpace, site: UprobeSite, vma: Vma, wanted: boolean): void {
    if (site.refCounter === 0 || !(vma.prot & PROT.WRITE) || vma.shared || !covers(vma, site.refCounter)) return;
    const { counted } = this.#of(space);
    if (counted.has(site) === wanted) return;
    const { memory } = this.#kernel;
    const phys = space.physical(vma.start + site.refCounter - vma.offset);
    if (phys < 0) return;
    memory.view.setInt16(phys, memory.view.getInt16(phys, true) + (wanted ? 1 : -1), true);
    if (wanted) counted.add(site);
    else counted.delete(site);
  }
  #mark(space: AddressSpace): void {
    const { memory, structs } = this.#kernel;
    const at = space.mm + structs.of('mm_struct').offset('flags');
    memory.writeU32(at, memory.readU32(at) | MMF_HAS_UPROBES);
  }
  /** uprobe_mmap() */
  #mapped(space: AddressSpace, vma: Vma): void {
    if (this.#sites.size === 0 || !isFileVma(vma)) return;
    const tgid = this.#tgid(space);
    for (const site of this.#sites.values()) this.#place(space, tgid, site, vma);
  }
  #tgid(space: AddressSpace): number {
    const { tasks, memory } = this.#kernel;
    for (const task of tasks.all()) if (memory.readAddr(task.field('mm')) === space.mm) return task.tgid;
    return -1;
  }
  #unmapped(space: AddressSpace, { start, end }: Vma): void {
    const installed = this.#installed.get(space);
    if (installed === undefined) return;
    for (const at of [...installed.at.keys()]) if (at >= start && at < end) installed.at.delete(at);
    if (space.areas.every((o) => o.start >= start && o.end <= end)) this.#installed.delete(space);
  }
}

/** valid_vma(): private, and nothing that the program writes to */
const isCode = ({ prot, shared }: Vma): boolean => !shared && !(prot & PROT.WRITE);
const covers = ({ offset, start, end }: Vma, at: number): boolean => at >= offset && at < offset + (end - start);
