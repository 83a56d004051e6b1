/** bpf(2): the one door into the kernel for programs, maps, BTF and links. */

import { type Btf, validateBtf } from '../../../src/btf/index.ts';
import { checkArgument, checkOptions } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import { type Addr, addrToBigInt } from '../../../src/machine/addr.ts';
import { ATTR_WINDOW, AttrWindow } from '../../core/attr-window.ts';
import type { Process } from '../../core/process.ts';
import { capture, reinstate } from '../../core/state.ts';
import type { UserAccess } from '../../core/user-access.ts';
import type { PlacesFloor } from '../../floors/places.ts';
import { attachFilter, TC_ATTACH_ATTRS, type TcAttachAttrs, type TcFilter } from '../attach/clsact.ts';
import { createLink, openRawTracepoint, type RawTracepointAttrs } from '../attach/create.ts';
import type { LinkCreateAttrs } from '../attach/kind.ts';
import type { BpfLink } from '../attach/link.ts';
import { encapRoute, ROUTE_ENCAP_ATTRS, type RouteEncapAttrs } from '../attach/lwt.ts';
import { offerToSockets } from '../attach/socket.ts';
import { layoutOf } from '../context/index.ts';
import { ImageEngine } from '../engine/image-engine.ts';
import { InterpEngine } from '../engine/interp-engine.ts';
import { asBpf, BpfError } from '../errors.ts';
import { HelperTexts } from '../helpers/bodies/index.ts';
import { readIterator } from '../iter/read.ts';
import { ArenaMap, type BpfMap } from '../maps/index.ts';
import { PerfOutput, type PerfSample } from '../maps/perf-output.ts';
import { BtfObject } from '../objects/btf-object.ts';
import { BpfState } from '../objects/state.ts';
import { buildProgram, type Engines } from '../prog/build.ts';
import { dumpXlated } from '../prog/dump.ts';
import { checkLoad, type ProgLoadAttrs } from '../prog/load.ts';
import { countMisses } from '../prog/misses.ts';
import type { BpfProg } from '../prog/prog.ts';
import type { InsnCounter, TestRunOptions, TestRunResult, TestRuns } from '../prog/test-run.ts';
import { contextModel } from '../prog/types.ts';
import type { Programs } from './commands/call.ts';
import { bpfSyscall } from './commands/index.ts';
import { isPinnable } from './commands/object.ts';
import { type Descriptors, MapHandle, Program } from './handles.ts';
import { type BtfInfo, infoOf, type LinkInfo, type MapInfo, type ProgInfo } from './info.ts';
import { MapCommands } from './map-commands.ts';
import { createMap, type MapCreateAttrs } from './map-create.ts';

/** An attachment as its creator holds it: by its descriptor. */
export interface LinkHandle {
  readonly fd: number;
  readonly id: number;
  readonly link: BpfLink;
  /**
   * All that an iterator's program writes: BPF_ITER_CREATE, then read(2) to the end.
   * @throws BpfError EINVAL where the link is no iterator; E2BIG, EAGAIN where the program asks for an element again and again
   */
  read(): Uint8Array;
  /** BPF_LINK_DETACH, whatever else refers to the link; closing the descriptor detaches only what nothing else refers to */
  detach(): void;
}

const FD = is.whole(-1, 0x7fff_ffff);
const KIND = is.oneOf('prog', 'map', 'btf', 'link');

export class Bpf {
  readonly #state: BpfState;
  readonly #mapCommands: MapCommands;
  readonly #descriptors: Descriptors;
  readonly #testRuns: TestRuns;
  #engines: Engines | undefined;
  /** each is made when the first program needs it */
  readonly #made: { interp?: InterpEngine; image?: ImageEngine } = {};

  constructor(kernel: PlacesFloor, testRuns: TestRuns) {
    this.#testRuns = testRuns;
    this.#state = new BpfState(kernel, (state) => new HelperTexts(state));
    this.#mapCommands = new MapCommands(this.#state);
    this.#state.syscall = (cmd, attr, size, process) => this.syscallAt(cmd, attr, size, process);
    countMisses(this.#state);
    const { fds } = kernel;
    this.#descriptors = {
      find: (fd) => fds.find(fd),
      close: (fd) => this.#state.guarded('close', () => fds.close(fd)),
    };
  }

  save() {
    return capture({ state: this.#state, interp: this.#made.interp, image: this.#made.image });
  }
  restore(state: ReturnType<Bpf['save']>): void {
    const { interp, image } = reinstate(state);
    delete this.#made.interp;
    delete this.#made.image;
    if (interp) this.#made.interp = interp;
    if (image) this.#made.image = image;
    this.#state.kernel.interp = interp;
  }

  /** Objects by id, for those who list them. */
  get state(): BpfState {
    return this.#state;
  }

  /** BPF_PROG_LOAD. @throws BpfError with errno and the verifier's log */
  progLoad(attrs: ProgLoadAttrs): Program {
    const prog = buildProgram(this.#state, this.#engine(), checkLoad(this.#state, attrs));
    return this.#program(prog, this.#state.kernel.fds.install(prog));
  }

  /**
   * A socket filter, or a program of type sk_reuseport, for sockets of recordings: those that ask for one by setsockopt
   * (SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF), whose descriptor means nothing here, get this one. Gives what ends it.
   * @throws BpfError EBADF; EINVAL for a program of another type
   */
  offerToSockets(prog: Program | number): () => void {
    const command = 'setsockopt';
    checkArgument('prog', prog, is.fdOrHandle);
    return offerToSockets(
      this.#state,
      command,
      this.#state.progByFd(command, typeof prog === 'number' ? prog : prog.fd),
    );
  }

  /**
   * A filter of cls_bpf on a device, as `tc filter add` and libbpf's bpf_tc_attach make it; the clsact qdisc with it.
   * @throws BpfError EINVAL, ENODEV, EEXIST
   */
  tcAttach(attrs: TcAttachAttrs): TcFilter {
    checkOptions('attrs', attrs, TC_ATTACH_ATTRS);
    const { prog, ...rest } = attrs;
    const fd = typeof prog === 'number' ? prog : prog.fd;
    return attachFilter(this.#state, this.#state.progByFd('RTM_NEWTFILTER', fd), rest);
  }
  /**
   * A program of type lwt_in, lwt_out or lwt_xmit on a route, as `ip route add TO encap bpf` puts it there. Gives what ends it.
   * @throws BpfError EINVAL
   */
  routeEncap(attrs: RouteEncapAttrs): () => void {
    checkOptions('attrs', attrs, ROUTE_ENCAP_ATTRS);
    const { prog, ...rest } = attrs;
    const fd = typeof prog === 'number' ? prog : prog.fd;
    return encapRoute(this.#state, this.#state.progByFd('RTM_NEWROUTE', fd), rest);
  }

  /** BPF_MAP_CREATE. @throws BpfError */
  mapCreate(attrs: MapCreateAttrs): MapHandle {
    const map = createMap(this.#state, attrs);
    return this.#map(map, this.#state.kernel.fds.install(map));
  }

  /** BPF_BTF_LOAD. @throws BpfError EINVAL with the parser's message as the log */
  btfLoad(bytes: Uint8Array): { readonly fd: number; readonly id: number; readonly btf: Btf } {
    checkArgument('bytes', bytes, is.bytes);
    const verdict = validateBtf(bytes, { log: true });
    if (!verdict.ok) throw new BpfError('BPF_BTF_LOAD', verdict.errno, 'the BTF is not valid', verdict.log);
    const object = this.#state.addBtf(new BtfObject(verdict.btf, bytes));
    return { fd: this.#state.kernel.fds.install(object), id: object.id, btf: verdict.btf };
  }

  /** BPF_PROG_TEST_RUN */
  progTestRun(prog: Program | number, options: TestRunOptions = {}): TestRunResult {
    checkArgument('prog', prog, is.fdOrHandle);
    return this.#testRun(
      typeof prog === 'number' ? this.#state.progByFd('BPF_PROG_TEST_RUN', prog) : prog.prog,
      options,
    );
  }

  /** BPF_LINK_CREATE. @throws BpfError; what this kernel model cannot attach is named */
  linkCreate(attrs: LinkCreateAttrs): LinkHandle {
    return this.#link(createLink(this.#state, attrs));
  }
  /** BPF_RAW_TRACEPOINT_OPEN. @throws BpfError ENOENT: no such tracepoint */
  rawTracepointOpen(attrs: RawTracepointAttrs): LinkHandle {
    return this.#link(openRawTracepoint(this.#state, attrs));
  }
  #link(link: BpfLink): LinkHandle {
    const fd = this.#state.kernel.fds.install(link);
    return { fd, id: link.id, link, read: () => readIterator(link), detach: () => link.detach() };
  }

  /** BPF_OBJ_GET_INFO_BY_FD. @throws BpfError EBADF, EINVAL */
  objGetInfo(fd: number): ProgInfo | MapInfo | BtfInfo | LinkInfo {
    checkArgument('fd', fd, FD);
    return infoOf(this.#state.fdObject('BPF_OBJ_GET_INFO_BY_FD', fd), (prog) => this.#dump(prog).length);
  }
  /** BPF_PROG_GET_NEXT_ID and its siblings: the smallest id above `after`, undefined where there is none. */
  nextId(kind: 'prog' | 'map' | 'btf' | 'link', after = 0): number | undefined {
    checkArgument('after', after, is.u32);
    checkArgument('kind', kind, KIND);
    return this.#state.ids(kind).after(after);
  }
  /** BPF_PROG_GET_FD_BY_ID and its siblings. @throws BpfError ENOENT */
  fdById(kind: 'prog' | 'map' | 'btf' | 'link', id: number): number {
    checkArgument('kind', kind, KIND);
    checkArgument('id', id, is.u32);
    const object = this.#state.ids(kind).get(id);
    if (object === undefined)
      throw new BpfError(`BPF_${kind.toUpperCase()}_GET_FD_BY_ID`, 'ENOENT', `no ${kind} with id ${id}`);
    return this.#state.open(object);
  }
  /** BPF_OBJ_PIN, into a bpffs of the kernel's own. @throws BpfError EEXIST, ENOENT, EPERM for paths outside it */
  objPin(path: string, fd: number): void {
    checkArgument('path', path, is.text);
    checkArgument('fd', fd, FD);
    const object = this.#state.fdObject('BPF_OBJ_PIN', fd);
    if (!isPinnable(object)) throw new BpfError('BPF_OBJ_PIN', 'EINVAL', `${object.fdName} cannot be pinned`);
    asBpf('BPF_OBJ_PIN', () => this.#state.bpffs.pin(path, object));
  }
  /** BPF_OBJ_GET: a descriptor. @throws BpfError ENOENT */
  objGet(path: string): number {
    checkArgument('path', path, is.text);
    return this.#state.open(asBpf('BPF_OBJ_GET', () => this.#state.bpffs.get(path)));
  }
  /** unlink(2) of a pinned object. */
  unpin(path: string): void {
    checkArgument('path', path, is.text);
    asBpf('unlink', () => this.#state.bpffs.unlink(path));
  }

  /**
   * bpf(2) by its ABI, as a process makes it; what `union bpf_attr` points to is read and written through `memory`.
   * @param attr the union, of whatever size; fields that the kernel answers in are changed in place
   * @param size bytes of it, as bpf(2) is told; beyond its end there is EFAULT
   * @param memory of the caller; by default the loader's own arena, `kernel.process.memory`
   * @param process whose credentials and descriptors count; by default the loader
   * @returns 0, a descriptor or -errno; nothing is thrown
   */
  syscall(
    cmd: number,
    attr: Uint8Array,
    size = attr.length,
    memory: UserAccess = this.#state.kernel.process.memory,
    process: Process = this.#state.kernel.process,
  ): number {
    return this.syscallAt(cmd, ATTR_WINDOW, size, {
      pid: process.pid,
      tid: process.tid,
      comm: process.comm,
      uid: process.uid,
      caps: process.caps,
      fds: process.fds,
      memory: new AttrWindow(memory, attr),
    });
  }
  /** As {@link syscall}, with the union in the process's memory. */
  syscallAt(cmd: number, attr: Addr, size: number, process: Process): number {
    const state = this.#state;
    return state.as(process, () => bpfSyscall(state, this.#programs, cmd, attr, size));
  }
  get #programs(): Programs {
    return {
      load: (request) => buildProgram(this.#state, this.#engine(), request),
      testRun: (prog, options) => this.#testRun(prog, options),
      dump: (prog, withCalls) => this.#dump(prog, withCalls),
    };
  }

  /**
   * Opens an event for bpf_perf_event_output on each CPU and puts it into the map's slots, as libbpf's
   * perf_buffer__new does. Records go to `sink`, in order.
   */
  perfBuffer(
    map: { readonly fd: number } | number,
    sink: (sample: PerfSample) => void,
  ): { readonly fds: readonly number[]; close(): void } {
    checkArgument('map', map, is.fdOrHandle);
    checkArgument('sink', sink, is.callback);
    const handle = this.map(typeof map === 'number' ? map : map.fd);
    const { kernel, host } = this.#state;
    const fds: number[] = [];
    for (let cpu = 0; cpu < Math.min(kernel.cpus, handle.maxEntries); cpu++) {
      const fd = kernel.fds.install(new PerfOutput(host, cpu, cpu + 1, sink));
      fds.push(fd);
      handle.update(cpu, fd);
    }
    return {
      fds,
      close: () => {
        fds.forEach((fd, cpu) => {
          handle.delete(cpu);
          kernel.fds.close(fd);
        });
      },
    };
  }

  /**
   * Calls back what bpf_timer_start set for a time that has come; the number of calls. Test runs ask by themselves,
   * others when their time moves on.
   */
  fireTimers(): number {
    return this.#state.helpers.fireTimers();
  }

  /** Program behind a descriptor. */
  prog(fd: number): Program {
    checkArgument('fd', fd, FD);
    return this.#program(this.#state.progByFd('BPF_OBJ_GET_INFO_BY_FD', fd), fd);
  }
  /** Map behind a descriptor. */
  map(fd: number): MapHandle {
    checkArgument('fd', fd, FD);
    return this.#map(this.#state.mapByFd('BPF_OBJ_GET_INFO_BY_FD', fd), fd);
  }
  close(fd: number): void {
    checkArgument('fd', fd, FD);
    this.#descriptors.close(fd);
  }

  #program(prog: BpfProg, fd: number): Program {
    return new Program(
      {
        testRun: (p, options) => this.#testRun(p, options),
        begin: (p, options) => this.#testRuns.begin(this.#state, this.#counter(), p, options),
        run: (p, options) => this.#testRuns.inSlices(this.#state, this.#counter(), p, options),
        thread: (p, options, cpu) => this.#testRuns.thread(this.#state, this.#counter(), p, options, cpu),
        dump: (p) => this.#dump(p),
      },
      this.#descriptors,
      prog,
      fd,
    );
  }
  #dump(prog: BpfProg, withCalls = true): Uint8Array {
    const { insns, funcs, maps } = prog.init.code;
    return dumpXlated({
      insns,
      withCalls,
      starts: funcs.map((f) => f.start),
      maps: maps.map((m) => ({
        id: m.id,
        address: addrToBigInt(m.addr),
        // an arena cannot tell of an address which of its own it is (it has no map_direct_value_meta)
        ...(m.directValue === undefined || m instanceof ArenaMap
          ? {}
          : { values: { address: addrToBigInt(m.directValue), size: Math.max(1, m.valueSize) } }),
      })),
    });
  }
  #map(map: BpfMap, fd: number): MapHandle {
    return new MapHandle(this.#mapCommands, this.#descriptors, map, fd);
  }

  #testRun(prog: BpfProg, options: TestRunOptions): TestRunResult {
    return this.#testRuns.through(this.#state, this.#counter(), prog, options);
  }
  /** What counts executed instructions: the interpreter does, and the machine those that images mark. */
  #counter(): InsnCounter {
    const { kernel } = this.#state;
    const interp = kernel.engine === 'interp' ? this.#engine().interp : undefined;
    return {
      read: () => (interp?.executed ?? 0) + kernel.machine.marked,
      limit: (more) => {
        const left = more ?? Number.POSITIVE_INFINITY;
        if (interp) interp.limit = interp.executed + left;
        kernel.markedLimit = kernel.machine.marked + left;
      },
    };
  }

  /** The engines, made when the first program is loaded. */
  #engine(): Engines {
    if (this.#engines) return this.#engines;
    const state = this.#state;
    const { kernel } = state;
    const made = this.#made;
    this.#engines = {
      get interp() {
        made.interp ??= new InterpEngine(kernel, state.callBase, (at: Addr) => state.mapAt(at));
        kernel.interp = made.interp;
        return made.interp;
      },
      get image() {
        made.image ??= new ImageEngine(kernel, state.callBase, (at: Addr) => state.progAt(at));
        return made.image;
      },
      ldAbs: (type) => {
        const model = contextModel(type, {
          layout: layoutOf(kernel.btf),
          symbol: (name) => {
            state.helpers.define(name);
            const at = kernel.symbols.find(name)?.address;
            return at === undefined ? undefined : addrToBigInt(at);
          },
          callBase: state.callBase,
          attach: 0,
          scope: {},
        });
        return model?.genLdAbs?.bind(model);
      },
    };
    const engines = this.#engines;
    state.detours.divert = (prog, { code, pokes }) =>
      kernel.engine === 'interp' ? engines.interp.divert(prog, code) : engines.image.divert(prog, code, { pokes });
    return engines;
  }
}
