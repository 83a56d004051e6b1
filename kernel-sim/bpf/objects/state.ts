/** What the commands of bpf(2) share: the objects by id, address and descriptor, and the floors that they stand on. */
import type { Btf } from '../../../src/btf/index.ts';
import { type Addr, addrToBigInt } from '../../../src/machine/addr.ts';
import type { SpecialField } from '../../../src/verifier/access/record.ts';
import type { LineInfo, VerifierLimits } from '../../../src/verifier/types.ts';

import { cgroupOf } from '../../cgroup/cgroup.ts';
import type { Pair } from '../../core/args.ts';
import { ERRNO, type Errno, errnoName, KernelError } from '../../core/errno.ts';
import type { FdObject, FileMode } from '../../core/fds.ts';
import { Listeners } from '../../core/listeners.ts';
import { capable, type Process } from '../../core/process.ts';
import { capture, reinstate, type Stateful, shallow } from '../../core/state.ts';
import type { PlacesFloor } from '../../floors/places.ts';
import { indirectTrampoline } from '../../probe/indirect.ts';
import { Bpffs } from '../../vfs/bpffs.ts';
import { BpfLink } from '../attach/link.ts';
import { BpfError } from '../errors.ts';
import type { MapHost } from '../maps/host.ts';
import { BpfMap, layoutOf, type MapContext, type MapLayout, type MapTarget, RingbufMap } from '../maps/index.ts';
import type { StructOpsSupply } from '../maps/map.ts';
import { BpfProg } from '../prog/prog.ts';
import { STRUCT_OPS } from '../struct-ops/table.ts';
import { structOpsType } from '../struct-ops/type.ts';
import { BtfObject } from './btf-object.ts';
import { Detours } from './detours.ts';
import { Ids } from './ids.ts';

/** the id of the kernel's own BTF, which is the first that there is */
const VMLINUX_BTF_ID = 1;

/** Standard input, output and error are open, and nothing that bpf(2) knows. */
const TERMINAL: FdObject = { fdName: '/dev/tty' };

/** A call of a timer's callback; what is added to `preempt_count` meanwhile. */
export interface TimerCall {
  readonly target: Addr;
  readonly args: readonly Pair[];
  readonly preempt: number;
}

/** Texts of helpers, as those who load programs and make maps need them. */
export interface HelperSupply extends Stateful {
  /** makes sure that a helper's text exists; false where the model has no such helper */
  define(symbol: string): boolean;
  /** gives text to a kernel function without a body, which stops a program that reaches it */
  defineUnmodelled(symbol: string): void;
  /** lets go of what special fields of a value hold */
  freeFields(value: Addr, fields: readonly SpecialField[]): void;
  /** calls back timers that are due; the number of calls */
  fireTimers(): number;
  /** the same for those who call back themselves: where timers lie that are due; the call of one, which is disarmed */
  dueTimers(): readonly Addr[];
  takeTimer(at: Addr): TimerCall | undefined;
}

/** One walk of the verifier. */
export interface VerifierWalk {
  readonly name: string;
  /** by slot of the program as loaded */
  readonly visits: Uint32Array;
  readonly btf: Btf | undefined;
  readonly lineInfo: readonly LineInfo[];
}

export type ObjectKind = 'prog' | 'map' | 'btf' | 'link';

export class BpfState {
  readonly kernel: PlacesFloor;
  readonly helpers: HelperSupply;
  readonly host: MapHost;
  readonly progs = new Ids<BpfProg>();
  readonly maps = new Ids<BpfMap>();
  /** the kernel's own is the first */
  readonly btfs = new Ids<BtfObject>(VMLINUX_BTF_ID + 1);
  readonly links = new Ids<BpfLink>();
  /** the test run that waits between two steps */
  readonly run: { current: Stateful | undefined } = { current: undefined };
  /** pinned objects by path */
  readonly bpffs = new Bpffs({
    pinned: (object) => {
      object.get?.();
      if (object instanceof BpfMap) object.pins++;
    },
    unpinned: (object) => {
      if (object instanceof BpfMap) object.unpinned(this.kernel.fds.has(object));
      object.put?.();
    },
  });
  /** who makes the system call that runs; the loader where none does */
  process: Process;
  /** processes that have descriptors: the loader, and those that a host lets in */
  readonly processes: Process[] = [];
  /** told of what a command met that Linux has and the model does not */
  readonly notModelled = new Listeners<[what: string]>();
  /**
   * told in front of what takes room for user space: an element that is set, a map, a program, a link that is made. Who
   * throws a BpfError lets it fail.
   */
  readonly takesRoom = new Listeners<[command: string, map: BpfMap | undefined]>();
  /** calls of kernel functions that somebody takes over */
  readonly detours: Detours = new Detours(this);
  /** told how often the verifier processed each instruction of a program that it was given, accepted or not */
  readonly walked = new Listeners<[walk: VerifierWalk]>();
  /** what the verifier gives up at, where it is not Linux's */
  verifierLimits: VerifierLimits = {};
  /** bpf(2) itself, for programs that call it: 0, a descriptor or -errno */
  syscall: (cmd: number, attr: Addr, size: number, process: Process) => number = () => -ERRNO.ENOSYS;
  #sessions = 0;
  /** tables of map operations by symbol */
  readonly mapOps = new Map<string, Addr>();
  readonly #progAt = new Map<Addr, BpfProg>();
  readonly #mapAt = new Map<Addr, BpfMap>();
  #lastMap: BpfMap | undefined;
  readonly #ringAt = new Map<Addr, RingbufMap>();
  readonly #targets = new Map<FdObject, MapTarget>();
  #callBase: bigint | undefined;

  constructor(kernel: PlacesFloor, helpers: (state: BpfState) => HelperSupply) {
    this.kernel = kernel;
    this.process = kernel.process;
    this.processes.push(kernel.process);
    this.helpers = helpers(this);
    this.host = {
      memory: kernel.memory,
      cpus: kernel.cpus,
      cpu: () => kernel.context.cpu,
      kmalloc: (size) => kernel.slab.kmalloc(size),
      kfree: (at) => kernel.slab.kfree(at),
      psocks: kernel.net.psocks,
      socketCookie: (sk) => BigInt(kernel.net.cookies.of(sk)),
      onFree: (told) => kernel.slab.freed.add(told),
      vmalloc: (size) => kernel.vmalloc.alloc(size),
      vmallocWithin: (span, offset, size) => kernel.vmalloc.allocWithin(span, offset, size),
      vfree: (at) => kernel.vmalloc.free(at),
      afterGrace: (free) => kernel.rcu.call(free),
      percpuAlloc: (size) => kernel.percpu.alloc(size),
      percpuFree: (at) => kernel.percpu.free(at),
      perCpuPtr: (at, cpu) => kernel.percpu.address(at, cpu),
      random: () => kernel.random.u32(),
    };
  }

  save() {
    const { progs, maps, btfs, links, helpers, run } = this;
    return capture({
      objects: [progs, maps, btfs, links],
      tables: [this.mapOps, this.#progAt, this.#mapAt, this.#ringAt, this.#targets].map(shallow),
      bpffs: this.bpffs,
      helpers,
      run,
      detours: this.detours,
      limits: { of: this.verifierLimits },
    });
  }
  restore(state: ReturnType<BpfState['save']>): void {
    this.verifierLimits = reinstate(state).limits.of;
    this.#lastMap = undefined;
  }

  /** Layouts of map structures in the kernel whose BTF is active. */
  get layout(): MapLayout {
    return layoutOf(this.kernel.structs);
  }

  /** Address of `__bpf_call_base`, to which helper calls are relative. */
  get callBase(): bigint {
    if (this.#callBase === undefined) {
      const at = this.kernel.symbols.address('__bpf_call_base');
      if (at === undefined) throw new KernelError('ENOENT', 'this kernel has no symbol __bpf_call_base');
      this.#callBase = addrToBigInt(at);
    }
    return this.#callBase;
  }

  readonly #structOps: StructOpsSupply = {
    type: (id) => structOpsType(this.kernel.btf, id),
    registry: (name) => STRUCT_OPS[name]?.registry?.(this.kernel),
    image: (prog, func) => indirectTrampoline(this.kernel, prog, func),
    // a call of it may be under way
    free: (image) => this.kernel.rcu.callTasks(() => this.kernel.bpfPack.free(image)),
  };
  mapContext(command: string): MapContext {
    return {
      host: this.host,
      layout: this.layout,
      objects: {
        prog: (fd) => this.progByFd(command, fd),
        map: (fd) => this.mapByFd(command, fd),
        perf: (fd) => this.#held(command, fd, 'perf_event', 'EBADF'),
        cgroup: (fd) => {
          const group = cgroupOf(this.fdObject(command, fd));
          if (group === undefined) throw new BpfError(command, 'EBADF', `file descriptor ${fd} is no cgroup`);
          return { addr: this.kernel.cgroups.objects.address(group), id: group.id };
        },
        netdev: (index) => {
          const device = this.kernel.net.devices.byIndex(index);
          if (device === undefined) throw new BpfError(command, 'EINVAL', `no network device ${index}`);
          return { addr: device.at, id: device.index };
        },
        socket: (fd) => {
          throw new BpfError(command, 'ENOTSOCK', `${this.fdObject(command, fd).fdName} is no socket`);
        },
      },
      structOps: this.#structOps,
    };
  }

  /** An object as a map's slot holds it: at an address, which it is given here where it has none yet. */
  #held(command: string, fd: number, kind: string, errno: Errno): MapTarget {
    const object = this.fdObject(command, fd);
    if (!object.fdName.includes(kind)) throw new BpfError(command, errno, `file descriptor ${fd} is no ${kind}`);
    if (hasAddress(object)) return object;
    let target = this.#targets.get(object);
    if (target === undefined) {
      target = { addr: this.host.kmalloc(8), id: fd };
      this.#targets.set(object, target);
    }
    return target;
  }

  /** `bpf_iter_meta.session_id` of the next iterator that is opened */
  nextSession(): number {
    return ++this.#sessions;
  }
  addProg(prog: BpfProg, btf?: BtfObject): void {
    this.progs.add(prog);
    this.#progAt.set(prog.addr, prog);
    prog.onGone = () => this.progs.remove(prog);
    prog.onFree.push(() => {
      this.#progAt.delete(prog.addr);
      btf?.put();
    });
    btf?.get();
  }
  /** What programs execute as, each from its entry on. */
  *images(): IterableIterator<{ readonly entry: Addr; readonly bytes: number }> {
    for (const prog of this.progs.all()) if (prog.jited) yield { entry: prog.entry, bytes: prog.image.length };
  }
  progAt(addr: Addr): BpfProg | undefined {
    return this.#progAt.get(addr);
  }
  addMap(map: BpfMap, btf?: BtfObject): void {
    this.maps.add(map);
    btf?.get();
    map.setId(map.id);
    this.#mapAt.set(map.addr, map);
    if (map instanceof RingbufMap) this.#ringAt.set(map.rb, map);
    map.gone.add(() => this.maps.remove(map));
    map.freed.add(() => {
      if (map instanceof RingbufMap) this.#ringAt.delete(map.rb);
      this.#mapAt.delete(map.addr);
      this.#lastMap = undefined;
      btf?.put();
    });
  }
  /** The map whose `struct bpf_map` is at an address. Mostly it is the one that was asked for last. */
  mapAt(addr: Addr): BpfMap | undefined {
    if (this.#lastMap?.addr !== addr) this.#lastMap = this.#mapAt.get(addr);
    return this.#lastMap;
  }
  /** The ring buffer whose `struct bpf_ringbuf` is at an address. */
  ringAt(addr: Addr): RingbufMap | undefined {
    return this.#ringAt.get(addr);
  }

  fdObject(command: string, fd: number): FdObject {
    const object = this.process.fds.find(fd) ?? (fd >= 0 && fd <= 2 ? TERMINAL : undefined);
    if (object === undefined) throw new BpfError(command, 'EBADF', `file descriptor ${fd} is not open`);
    return object;
  }
  isOpen(fd: number): boolean {
    return this.process.fds.find(fd) !== undefined || (fd >= 0 && fd <= 2);
  }
  mapByFd(command: string, fd: number): BpfMap {
    const object = this.fdObject(command, fd);
    if (!(object instanceof BpfMap)) throw new BpfError(command, 'EINVAL', `file descriptor ${fd} is no map`);
    return object;
  }
  progByFd(command: string, fd: number): BpfProg {
    const object = this.fdObject(command, fd);
    if (!(object instanceof BpfProg)) throw new BpfError(command, 'EINVAL', `file descriptor ${fd} is no program`);
    return object;
  }
  linkByFd(command: string, fd: number): BpfLink {
    const object = this.fdObject(command, fd);
    if (!(object instanceof BpfLink)) throw new BpfError(command, 'EINVAL', `file descriptor ${fd} is no link`);
    return object;
  }
  btfByFd(command: string, fd: number): BtfObject {
    const object = this.fdObject(command, fd);
    if (!(object instanceof BtfObject)) throw new BpfError(command, 'EINVAL', `file descriptor ${fd} is no BTF`);
    return object;
  }

  /**
   * Does what a command does to objects that programs may have overwritten. Where the kernel's own code would fault, it
   * ends so, too. @throws BpfError EFAULT with the oops
   */
  guarded<R>(command: string, act: () => R): R {
    // it is the kernel that acts, even where a paused guest is in the middle of user code
    const { memory } = this.kernel;
    const { userMode } = memory;
    if (userMode) memory.setUserMode(false);
    try {
      return act();
    } catch (error) {
      const oops = this.kernel.faults.ofHost(error);
      if (oops === undefined) throw error;
      throw new BpfError(command, 'EFAULT', `${oops.title}: ${(error as Error).message}`, '', oops);
    } finally {
      if (userMode) memory.setUserMode(true);
    }
  }

  /** Acts as another process does a system call. */
  as<R>(process: Process, act: () => R): R {
    const before = this.process;
    this.process = process;
    try {
      return act();
    } finally {
      this.process = before;
    }
  }

  /** The kernel's own, as an object: made when somebody asks for it. */
  get vmlinuxBtf(): BtfObject {
    const known = this.btfs.get(VMLINUX_BTF_ID);
    if (known !== undefined) return known;
    const { btf } = this.kernel;
    const vmlinux = new BtfObject(btf, btf.bytes, 'vmlinux', true);
    this.btfs.addFirst(vmlinux, VMLINUX_BTF_ID);
    return vmlinux;
  }
  /** Objects of a kind. */
  ids(kind: ObjectKind): Ids<FdObject & { id: number }> {
    if (kind === 'btf') void this.vmlinuxBtf;
    const ids: Record<ObjectKind, Ids<never>> = {
      prog: this.progs as Ids<never>,
      map: this.maps as Ids<never>,
      btf: this.btfs as Ids<never>,
      link: this.links as Ids<never>,
    };
    return ids[kind];
  }
  addBtf(object: BtfObject): BtfObject {
    this.btfs.add(object);
    object.freed.add(() => this.btfs.remove(object));
    return object;
  }
  /** A further descriptor of the current process: all those of an object together hold it once. */
  open(object: FdObject, mode?: FileMode): number {
    const { fds } = this.process;
    if (!fds.has(object)) object.get?.();
    return fds.install(object, mode);
  }

  /** `kallsyms_show_value`: who may see addresses of the kernel's. */
  showsAddresses(process: Process): boolean {
    const { kptrRestrict, perfEventParanoid } = this.kernel.sysctl;
    if (kptrRestrict === 0 && perfEventParanoid <= 1) return true;
    return kptrRestrict <= 1 && capable(process, 'SYSLOG');
  }
}

const hasAddress = (object: FdObject): object is FdObject & MapTarget => 'addr' in object && 'id' in object;

/** Throws the error that a negative return value stands for. */
export function check(command: string, result: number, what: string): void {
  if (result < 0) throw new BpfError(command, errnoName(result) as Errno, what);
}
