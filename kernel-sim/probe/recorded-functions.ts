/**
 * Functions of user space that a recording names: a task that is only recorded enters one, and where a uprobe is on it,
 * the exception of its breakpoint is taken as if the task had executed it; its return as if it came to the trampoline.
 */
import { type Addr, addrLo } from '../../src/machine/addr.ts';
import { PAGE_SIZE, USER_CS, USER_DS } from '../../src/machine/index.ts';
import { PROT } from '../../src/uapi/process.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { TraceArg } from '../task/user-call.ts';
import { userAddress } from '../task/user-frames.ts';
import { USER_STACK_TOP } from '../task/user-memory.ts';
import { type AddressSpace, isFileVma } from '../user/address-space.ts';
import type { RegisterName, SavedRegs } from './saved-regs.ts';
import type { InstalledIn, UprobeSite } from './uprobe-site.ts';
import type { UTask } from './utask.ts';

/** What a recording says of a function. */
export interface UserFunction {
  readonly func: string;
  /** the mapped file, where it is told; a path, or its last part */
  readonly file?: string;
}

/** registers of arguments (x86-64 psABI 3.2.3) */
const ARGUMENTS: readonly RegisterName[] = ['di', 'si', 'dx', 'cx', 'r8', 'r9'];
const USER_FLAGS = 0x202;
/** room that the frames of recorded functions are taken to have */
const FRAME = 64;

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const isOf = (site: UprobeSite, { func, file }: UserFunction): boolean =>
  site.symbol === func && (file === undefined || site.path === file || lastPart(site.path) === lastPart(file));

export class RecordedFunctions {
  readonly #kernel: ObjectFloor;
  readonly #sites: ReadonlyMap<string, UprobeSite>;
  readonly #installed: InstalledIn;
  readonly #regs: SavedRegs;

  constructor(kernel: ObjectFloor, sites: ReadonlyMap<string, UprobeSite>, installed: InstalledIn, regs: SavedRegs) {
    this.#kernel = kernel;
    this.#sites = sites;
    this.#installed = installed;
    this.#regs = regs;
  }

  /** pt_regs of a task at a function's breakpoint; undefined where no probe is on it. */
  enter(task: Task, utask: () => UTask, func: UserFunction, args: readonly TraceArg[]): Addr | undefined {
    const space = task.maps;
    if (this.#sites.size === 0 || space === undefined || space.space !== undefined) return undefined;
    for (const site of this.#sites.values()) {
      if (!isOf(site, func)) continue;
      const at = this.#address(space, site);
      if (this.#installed.get(space)?.at.get(at) !== site) continue;
      const own = utask();
      const address = this.#make(own);
      const regs = this.#regs.of(address);
      const stack = USER_STACK_TOP - FRAME * (2 + own.returns.length);
      for (const [name, value] of [
        ['ip', at + 1],
        ['sp', stack],
        ['bp', stack + FRAME / 2],
      ] as const)
        regs.put(name, value);
      for (const [n, name] of ARGUMENTS.entries()) this.#put(task, address, name, args[n]);
      return address;
    }
    return undefined;
  }
  /** pt_regs of a task where a function returns whose return is looked at; undefined where none is. */
  leave(task: Task, utask: UTask | undefined, func: UserFunction, result: TraceArg | undefined): Addr | undefined {
    if (utask === undefined) return undefined;
    const n = utask.returns.findLastIndex(({ site }) => isOf(site, func));
    if (n < 0) return undefined;
    // what lies above it was left without a return being recorded
    const [instance] = utask.returns.splice(n);
    utask.returning = instance ? [instance] : [];
    const address = this.#make(utask);
    const regs = this.#regs.of(address);
    regs.put('ip', instance?.returnsTo ?? 0);
    regs.put('sp', instance?.stack ?? 0);
    this.#put(task, address, 'ax', result);
    return address;
  }

  /** A value in a register; what a pointer refers to in the task's memory. */
  #put(task: Task, address: Addr, name: RegisterName, value: TraceArg | undefined): void {
    const regs = this.#regs.of(address);
    if (value?.kind === 'int') regs.putHalves(name, value.lo, value.hi);
    else regs.put(name, value === undefined ? 0 : (task.user?.place?.(value) ?? 0));
  }

  /** Where a site lies in the task: in the area that a call mapped, or in one that is made for the file. */
  #address(space: AddressSpace, { path, offset }: UprobeSite): Addr {
    const area = space.areas.find(
      (o) => isFileVma(o) && o.name === path && offset >= o.offset && offset < o.offset + (o.end - o.start),
    );
    if (area !== undefined) return area.start + offset - area.offset;
    const bytes = this.#kernel.root.read(path)?.length ?? PAGE_SIZE;
    const start = userAddress({ file: path, offset: 0 });
    const end = start + Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE;
    space.map({ start, end, prot: PROT.READ | PROT.EXEC, shared: false, name: path, offset: 0 });
    return start + offset;
  }
  /** Its registers, zero but for what user mode has in any case. */
  #make(utask: UTask): Addr {
    const { memory, structs, slab } = this.#kernel;
    const layout = structs.of('pt_regs');
    if (utask.regs === 0) utask.regs = slab.kmalloc(layout.size);
    memory.fillBytes(utask.regs, 0, layout.size);
    memory.writeU16(utask.regs + layout.offset('cs'), USER_CS);
    memory.writeU16(utask.regs + layout.offset('ss'), USER_DS);
    this.#regs.of(utask.regs).setFlags(addrLo(USER_FLAGS));
    return utask.regs;
  }
}
