/** A task: `task_struct` in guest memory, its kernel stack, its user half of the address space. */

import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { THREAD_SIZE } from '../core/layout.ts';
import { capture, reinstate } from '../core/state.ts';
import type { StructLayout } from '../core/structs.ts';
import type { AddressSpace } from '../user/address-space.ts';
import type { UserCall } from './user-call.ts';
import type { UserHalf } from './user-half.ts';

export interface TaskInit {
  readonly pid: number;
  readonly tgid: number;
  readonly comm: string;
  readonly address: Addr;
  /** lowest address of the kernel stack */
  readonly stack: Addr;
  readonly parent: Task | undefined;
  /** offset of `__state` */
  readonly stateOffset: number;
  /** offset of `uid` in `struct cred` */
  readonly uidOffset: number;
}

export class Task {
  /** `struct task_struct` */
  readonly address: Addr;
  readonly pid: number;
  readonly tgid: number;
  readonly stack: Addr;
  readonly parent: Task | undefined;
  user: UserHalf | undefined;
  /** what its process has mapped */
  maps: AddressSpace | undefined;
  /** the CPU that it runs on, or ran on last */
  cpu = 0;
  /** on that CPU's run queue */
  queued = false;
  /** when it began to run, ns since boot */
  execStart = 0;
  /** the CPU that the recording saw it on next, where that is another one */
  wantedCpu: number | undefined;
  /** `struct pid` */
  pidStruct: Addr = 0;
  /** `struct cred` */
  cred: Addr = 0;
  /** wait status once it has exited */
  exitStatus: number | undefined;
  /** the system call that it makes */
  call: UserCall | undefined;
  /** waits inside that call */
  blocked = false;
  /** `struct hrtimer` of the call in which it sleeps, 0 where it has none */
  sleeper: Addr = 0;
  /** `struct filename` last made for it */
  lastName: Addr = 0;
  /** address of its `files` pointer */
  readonly files: Addr;
  /** where fields that each switch reads lie in memory, in words; `migration` in half words */
  readonly words: Readonly<Record<'state' | 'flags' | 'onRq' | 'runtime' | 'migration', number>>;
  readonly #memory: GuestMemory;
  readonly #layout: StructLayout;
  /** comm as it is in memory: 16 bytes */
  commWords = new Int32Array(4);
  #comm = '';
  readonly #uid: number;

  constructor(memory: GuestMemory, layout: StructLayout, init: TaskInit) {
    this.#memory = memory;
    this.#layout = layout;
    this.address = init.address;
    this.pid = init.pid;
    this.tgid = init.tgid;
    this.stack = init.stack;
    this.parent = init.parent;
    this.#uid = init.uidOffset;
    this.files = this.field('files');
    const word = (path: string): number => memory.translate(this.field(path), 1, false) >> 2;
    this.words = {
      state: memory.translate(init.address + init.stateOffset, 1, false) >> 2,
      flags: word('thread_info.flags'),
      onRq: word('on_rq'),
      runtime: word('se.sum_exec_runtime'),
      migration: memory.translate(this.field('migration_disabled'), 1, false) >> 1,
    };
    this.comm = init.comm;
  }
  save() {
    const { user, maps, cpu, queued, execStart, wantedCpu, pidStruct, cred, exitStatus, call } = this;
    const { blocked, sleeper, lastName, commWords } = this;
    const row = {
      user,
      maps,
      cpu,
      queued,
      execStart,
      wantedCpu,
      pidStruct,
      cred,
      exitStatus,
      blocked,
      sleeper,
      lastName,
      comm: this.#comm,
    };
    // a comm that changes gets new words; a recorded call is never written to
    return { row: capture(row), call, commWords };
  }
  restore({ row, call, commWords }: ReturnType<Task['save']>): void {
    const { comm, ...fields } = reinstate(row);
    Object.assign(this, fields, { call, commWords });
    this.#comm = comm;
  }

  /** Top of the kernel stack, where `pt_regs` of a syscall ends. */
  get stackTop(): Addr {
    return this.stack + THREAD_SIZE;
  }
  /** At most 15 bytes, as in memory. */
  get comm(): string {
    return this.#comm;
  }
  set comm(name: string) {
    this.commWords = new Int32Array(4);
    const bytes = new Uint8Array(this.commWords.buffer);
    bytes.set(encodeUtf8(name).subarray(0, 15));
    this.#comm = decodeUtf8(bytes.subarray(0, bytes.indexOf(0)));
    this.#memory.writeBytes(this.field('comm'), bytes);
  }
  /** The real user id that its credentials have. */
  get uid(): number {
    return this.#memory.readU32(this.cred + this.#uid);
  }
  /** `rcu`, by which it is freed */
  get rcu(): Addr {
    return this.field('rcu');
  }
  /** Address of a field, by name. */
  field(path: string): Addr {
    return this.address + this.#layout.offset(path);
  }
}
