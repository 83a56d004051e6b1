/** A system call that a program makes: its arguments, its memory, and what is told of it to the kernel's own text. */
import { type Addr, addrOf } from '../../../src/machine/addr.ts';
import { GuestFault } from '../../../src/machine/index.ts';
import { decodeUtf8 } from '../../../src/platform/index.ts';
import { PATH_MAX } from '../../../src/uapi/fcntl.ts';
import { KernelError } from '../../core/errno.ts';
import type { Process } from '../../core/process.ts';
import type { TextFloor } from '../../floors/text.ts';
import type { Recorded } from '../../syscall/recorded.ts';
import type { Files } from '../../task/files.ts';
import type { Task } from '../../task/task.ts';
import type { Tasks } from '../../task/tasks.ts';
import type { TraceArg } from '../../task/user-call.ts';
import type { KernelFiles } from '../../vfs/types.ts';
import type { Program } from '../program.ts';
import type { RootFiles } from '../root.ts';

/** registers of the arguments, as pt_regs names them */
const REGISTERS = ['di', 'si', 'dx', 'r10', 'r8', 'r9'] as const;

/** What programs stand on. */
export type UserFloor = TextFloor & {
  readonly files: Files;
  readonly tasks: Tasks;
  readonly recorded: Recorded;
  readonly root: RootFiles;
  /** the kernel's own files */
  readonly vfs: KernelFiles;
};

export class ProgramCall {
  readonly kernel: UserFloor;
  readonly task: Task;
  readonly program: Program;
  readonly name: string;
  /** what the kernel's text fills memory with on its way, by argument */
  readonly filled = new Map<number, TraceArg>();
  /** flags of clone(2) */
  cloneFlags = 0;
  readonly #lo = new Int32Array(6);
  readonly #hi = new Int32Array(6);

  /** @param regs address of pt_regs */
  constructor(kernel: UserFloor, task: Task, program: Program, name: string, regs: Addr) {
    this.kernel = kernel;
    this.task = task;
    this.program = program;
    this.name = name;
    const layout = kernel.structs.of('pt_regs');
    REGISTERS.forEach((register, n) => {
      const at = regs + layout.offset(register);
      this.#lo[n] = kernel.memory.readS32(at);
      this.#hi[n] = kernel.memory.readS32(at + 4);
    });
  }

  /** An argument as s32. */
  int(n: number): number {
    return this.#lo[n] as number;
  }
  u32(n: number): number {
    return (this.#lo[n] as number) >>> 0;
  }
  /** As a signed 64-bit number: an address, a length, an offset. */
  long(n: number): number {
    return addrOf(this.#lo[n] as number, this.#hi[n] as number);
  }
  args(): TraceArg[] {
    return Array.from(this.#lo, (lo, n) => this.filled.get(n) ?? { kind: 'int', lo, hi: this.#hi[n] as number });
  }

  /** Who makes it, as system calls of objects see it. */
  get process(): Process {
    const { task, program, kernel } = this;
    return {
      pid: task.tgid,
      tid: task.pid,
      comm: task.comm,
      uid: task.uid,
      caps: kernel.tasks.creds.caps(task.cred, 'cap_effective'),
      fds: program.files.fds,
      memory: {
        read: (at, bytes) => this.#tried(() => this.read(at, bytes)),
        write: (at, bytes) => this.#tried(() => this.write(at, bytes) ?? true) ?? false,
      },
    };
  }
  #tried<T>(access: () => T): T | undefined {
    try {
      return access();
    } catch (error) {
      if (error instanceof KernelError) return undefined;
      throw error;
    }
  }

  /** The program's memory. @throws KernelError EFAULT */
  read(at: Addr, bytes: number): Uint8Array {
    return this.#user(at, () => this.kernel.memory.readBytes(at, bytes));
  }
  write(at: Addr, bytes: Uint8Array): void {
    this.#user(at, () => this.kernel.memory.writeBytes(at, bytes));
  }
  /** Where it can be written to: read(2) fills it later, on its way through the kernel. */
  probe(at: Addr, bytes: number): void {
    if (bytes > 0) this.write(at, this.read(at, bytes));
  }
  string(n: number): string {
    return this.text(this.long(n));
  }
  text(at: Addr): string {
    return decodeUtf8(this.bytes(at));
  }
  /** Bytes up to a zero. */
  bytes(at: Addr): Uint8Array {
    const bytes = this.#user(at, () => this.kernel.memory.readCString(at, PATH_MAX));
    if (bytes.length === PATH_MAX) throw new KernelError('ENAMETOOLONG', 'the path is too long');
    return bytes;
  }
  #user<T>(at: Addr, access: () => T): T {
    try {
      if (at < 0) throw new KernelError('EFAULT', 'an address of the kernel');
      return access();
    } catch (error) {
      if (error instanceof GuestFault) throw new KernelError('EFAULT', error.message);
      throw error;
    }
  }
  /** A structure of 32-bit and 64-bit words at an address. */
  view(bytes: number): { readonly bytes: Uint8Array; readonly view: DataView } {
    const made = new Uint8Array(bytes);
    return { bytes: made, view: new DataView(made.buffer) };
  }
}

/** Result, as the program gets it; errors are thrown. undefined: the kernel's text has the result. */
export type CallHandler = (call: ProgramCall) => number | undefined;
