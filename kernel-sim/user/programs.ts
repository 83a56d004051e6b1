/**
 * Processes that execute code of their own: what execve(2) makes of them, and what their system calls give. A call's
 * result and what it does to user memory is found here when it enters the kernel; from then on it is what a recorded
 * call is, and the kernel's text takes it through its functions.
 */
import { type Addr, addrHi, addrLo } from '../../src/machine/addr.ts';
import { CPUID_EDX, USER_CS, USER_DS } from '../../src/machine/index.ts';
import { decodeUtf8 } from '../../src/platform/index.ts';
import { PROT } from '../../src/uapi/process.ts';
import { ERRNO, KernelError, orErrno } from '../core/errno.ts';
import { Listeners } from '../core/listeners.ts';
import { shallow } from '../core/state.ts';
import { WORK_EXECUTES } from '../core/work.ts';
import { syscallNamed, syscallNr } from '../data/syscalls.ts';
import type { Task } from '../task/task.ts';
import type { TraceArg } from '../task/user-call.ts';
import { AddressSpace, isFileVma, type Vma } from './address-space.ts';
import { type CallHandler, ProgramCall, type UserFloor } from './calls/call.ts';
import { CALLED_BY_TEXT, PROGRAM_CALLS, QUIETLY_ABSENT } from './calls/table.ts';
import { executableOf, type LoadedImage, loadImage } from './load.ts';
import { OpenFiles } from './open-files.ts';
import { Program } from './program.ts';
import { RecordedMaps } from './recorded-maps.ts';
import { normalPath } from './root.ts';
import type { ProgramStreams } from './user-files.ts';

const URETPROBE = syscallNamed('uretprobe')?.nr;
/** A system call takes so long, by rule: ns */
const CALL_NS = 1000;
const USER_FLAGS = 0x202;
/** more strings than that execve(2) does not take here */
const MOST_STRINGS = 4096;
const STRING_BYTES = 131_072;

const SILENT: ProgramStreams = { read: () => new Uint8Array(0), write: () => undefined };

export class Programs {
  readonly #kernel: UserFloor;
  /** by process */
  readonly #programs = new Map<number, Program>();
  /** processes whose next execve makes a program of them */
  readonly #expected = new Map<number, ProgramStreams>();
  /** files that areas of memory were asked about for, by path */
  readonly #mapped = new Map<string, Addr>();
  /** a program made a system call */
  readonly called = new Listeners<[]>();
  /** a program made a call that nothing is known of, for the first time */
  readonly unknownCall = new Listeners<[name: string]>();
  readonly #unknown = new Set<string>();
  /** calls of higher floors, by name */
  readonly #provided = new Map<string, CallHandler>();
  /** calls that are on their way to where the kernel's text makes them, by thread */
  readonly #underway = new Map<number, ProgramCall>();
  /** a program ended */
  readonly ended = new Listeners<[pid: number, waitStatus: number]>();

  constructor(kernel: UserFloor) {
    this.#kernel = kernel;
    const { text, args, tasks } = kernel;
    const recorded = new RecordedMaps(kernel);
    text.hypercall('user_call', () => this.#call(args.addr(0)));
    text.hypercall('program_call', () => this.#callNow());
    text.hypercall('start_image', () => this.#exec(tasks.current, this.#bprmPath(args.addr(0)), recorded));
    text.hypercall('find_vma', () => args.retAddr(this.#vma(tasks.at(args.addr(0)), args.addr(1))));
    text.hypercall('mm_changed', () => recorded.follow(tasks.current));
    tasks.exited.add((task) => {
      if (!this.#programs.has(task.tgid) || tasks.threads(task) > 1) return;
      this.#programs.get(task.tgid)?.files.closeAll();
      this.#programs.delete(task.tgid);
      this.ended.tell(task.pid, task.exitStatus ?? 0);
    });
  }
  save() {
    return [this.#programs, this.#expected, this.#mapped].map((map) =>
      shallow<Map<unknown, unknown>>(map as Map<unknown, unknown>).save(),
    );
  }
  restore(parts: ReturnType<Programs['save']>): void {
    [this.#programs, this.#expected, this.#mapped].forEach((map, n) => {
      shallow<Map<unknown, unknown>>(map as Map<unknown, unknown>).restore(parts[n]);
    });
  }

  /** The program that a process executes; undefined for those that are only recorded. */
  of(task: Task): Program | undefined {
    return this.#programs.get(task.tgid);
  }
  /** System calls that a higher floor answers. */
  provide(calls: Readonly<Record<string, CallHandler>>): void {
    for (const [name, handler] of Object.entries(calls)) this.#provided.set(name, handler);
  }
  /** The next execve of a process is that of a program, with these streams. */
  expect(pid: number, streams: ProgramStreams = SILENT): void {
    this.#expected.set(pid, streams);
  }
  /**
   * Whether a file of the root can be executed here.
   * @throws KernelError ENOENT; ENOEXEC saying what it is instead
   */
  check(path: string): void {
    const bytes = this.#kernel.root.read(path);
    if (bytes === undefined) throw new KernelError('ENOENT', `${path}: no such file in the root of user space`);
    const { interpreter } = executableOf(bytes, path);
    if (interpreter !== undefined && this.#kernel.root.read(interpreter) === undefined)
      throw new KernelError(
        'ENOENT',
        `${path} is linked dynamically, and its dynamic linker ${interpreter} is not there; link with -static, or give --sysroot`,
      );
  }

  /** `struct vm_area_struct` of the area that an address of a task lies in; 0 where there is none. */
  #vma(task: Task | undefined, at: Addr): Addr {
    const area = task?.maps?.find(at);
    return task === undefined || area === undefined ? 0 : this.areaObject(task, area);
  }
  /** `struct vm_area_struct` of an area of a task's. */
  areaObject({ maps }: Task, area: Vma): Addr {
    return maps === undefined ? 0 : maps.object(area, isFileVma(area) ? this.#file(area.name) : 0);
  }
  /** `struct file` of a mapped file: one a path, which stays open. */
  #file(path: string): Addr {
    const known = this.#mapped.get(path);
    if (known !== undefined) return known;
    const file = this.#kernel.files.open(path);
    this.#mapped.set(path, file);
    return file;
  }

  // --- system calls ---

  #call(regs: Addr): void {
    const { tasks, memory, structs, recorded, clock } = this.#kernel;
    const task = tasks.current;
    const program = this.of(task);
    if (program === undefined) return;
    const nr = memory.readS32(regs + structs.of('pt_regs').offset('orig_ax'));
    // of a probe's trampoline: all of it is the kernel's own
    if (nr === URETPROBE) return;
    const name = syscallNr(nr)?.name ?? `syscall_${nr}`;
    clock.pass(clock.now + CALL_NS);
    const call = new ProgramCall(this.#kernel, task, program, name, regs);
    const later = CALLED_BY_TEXT.has(name);
    if (later) this.#underway.set(task.pid, call);
    const result = later ? 0 : this.#result(call);
    const told = words(result ?? 0);
    recorded.set(told.lo, told.hi);
    recorded.sleeps = 0;
    task.call = { nr, name, args: call.args(), result: result === undefined ? undefined : told };
    this.called.tell();
  }
  /** The kernel's text is where the call takes effect. */
  #callNow(): void {
    const { tasks, recorded } = this.#kernel;
    const { current } = tasks;
    const call = this.#underway.get(current.pid);
    if (call === undefined) return;
    this.#underway.delete(current.pid);
    const result = words(this.#result(call) ?? 0);
    recorded.set(result.lo, result.hi);
    if (current.call !== undefined) current.call = { ...current.call, result };
  }
  #result(call: ProgramCall): number | undefined {
    const handler = PROGRAM_CALLS.get(call.name) ?? this.#provided.get(call.name);
    if (handler === undefined) {
      if (!QUIETLY_ABSENT.has(call.name) && !this.#unknown.has(call.name)) {
        this.#unknown.add(call.name);
        this.unknownCall.tell(call.name);
      }
      return -ERRNO.ENOSYS;
    }
    return orErrno(() => {
      const result = handler(call);
      if (call.name === 'execve') this.#nameStrings(call);
      return result;
    });
  }
  #nameStrings(call: ProgramCall): void {
    for (const n of [1, 2])
      call.filled.set(n, { kind: 'strings', list: this.#strings(call.long(n)) } satisfies TraceArg);
  }

  // --- execve ---

  /** begin_new_exec() is behind us: the process gets its new image. */
  #exec(task: Task, given: string, recorded: RecordedMaps): void {
    const before = this.of(task);
    const streams = before?.streams ?? this.#expected.get(task.tgid);
    const path = normalPath(given, before?.cwd);
    if (streams === undefined) {
      recorded.exec(task, path);
      return;
    }
    this.#expected.delete(task.tgid);
    const { memory, root, random, cpu } = this.#kernel;
    const regs = this.#regs(task);
    const at = task.call?.name === 'execveat' ? (['dx', 'r10'] as const) : (['si', 'dx'] as const);
    const [argv, envp] = at.map((field) => this.#strings(memory.readAddr(regs(field)))) as [Uint8Array[], Uint8Array[]];
    const mm = memory.readAddr(task.field('mm'));
    const maps = new AddressSpace(this.#kernel, mm, memory.createUserSpace(), this.#kernel.tasks.mappings);
    before?.files.exec();
    const files = before?.files ?? new OpenFiles(this.#kernel.fds.sibling(0), streams);
    const program = new Program(path, maps, streams, files);
    const file = executableOf(root.read(path) ?? new Uint8Array(0), path);
    const seed = new Uint8Array(16).map(() => random.u32() & 255);
    const request = { path, argv, envp, random: seed, hwcap: CPUID_EDX };
    const image = loadImage(maps, file, request, (name) => root.read(name));
    program.brkStart = image.brk;
    program.brk = image.brk;
    task.user?.release();
    task.maps?.clear();
    task.user = program;
    task.maps = maps;
    this.#programs.set(task.tgid, program);
    memory.switchUserSpace(program.space);
    this.#describe(mm, path, image, maps);
    const work = task.field('thread_info.syscall_work');
    memory.writeU64(work, memory.readU64(work) | BigInt(WORK_EXECUTES));
    // start_thread(): registers are zero but for these; sysretq takes ip from rcx and flags from r11
    const layout = this.#kernel.structs.of('pt_regs');
    memory.fillBytes(task.stackTop - layout.size, 0, layout.size);
    for (const field of ['ip', 'cx'] as const) memory.writeAddr(regs(field), image.entry);
    for (const field of ['flags', 'r11'] as const) memory.writeAddr(regs(field), USER_FLAGS);
    memory.writeAddr(regs('sp'), image.sp);
    memory.writeAddr(regs('cs'), USER_CS);
    memory.writeAddr(regs('ss'), USER_DS);
    memory.writeAddr(regs('orig_ax'), task.call?.nr ?? -1);
    cpu.fsBase = 0;
    cpu.resetVectors();
  }
  /** Address of a field of the task's pt_regs. */
  #regs(task: Task): (field: string) => Addr {
    const layout = this.#kernel.structs.of('pt_regs');
    return (field) => task.stackTop - layout.size + layout.offset(field);
  }
  /** The path that a `struct linux_binprm` is for. */
  #bprmPath(bprm: Addr): string {
    const { memory, structs } = this.#kernel;
    const text = memory.readAddr(bprm + structs.of('linux_binprm').offset('filename'));
    return decodeUtf8(memory.readCString(text, STRING_BYTES));
  }
  #strings(at: Addr): Uint8Array[] {
    const { memory } = this.#kernel;
    const list: Uint8Array[] = [];
    for (let n = 0; at > 0 && n < MOST_STRINGS; n++) {
      const text = memory.readAddr(at + 8 * n);
      if (text === 0) break;
      list.push(memory.readCString(text, STRING_BYTES));
    }
    return list;
  }
  #describe(mm: Addr, path: string, image: LoadedImage, maps: AddressSpace): void {
    const { memory, structs } = this.#kernel;
    const layout = structs.of('mm_struct');
    const put = (field: string, value: Addr): void => memory.writeAddr(mm + layout.offset(field), value);
    put('start_code', image.code.start);
    put('end_code', image.code.end);
    const data = maps.areas.find((o) => o.name === path && o.prot & PROT.WRITE);
    put('start_data', data?.start ?? 0);
    put('end_data', data?.end ?? 0);
    put('start_brk', image.brk);
    put('brk', image.brk);
    put('start_stack', image.sp);
  }
}

/** A result as rax has it. */
const words = (result: number) => ({ lo: addrLo(result), hi: addrHi(result) });
