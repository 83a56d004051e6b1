/** The small structures that hang off every task: credentials, pid, namespaces, mm, signal. */
import type { Addr } from '../../src/machine/addr.ts';
import type { TextFloor } from '../floors/text.ts';
import type { Task } from './task.ts';
import { USER_DATA, USER_STACK_TOP, USER_TEXT } from './user-memory.ts';

/** Inode numbers of the initial namespaces, include/linux/proc_ns.h. */
const PROC_PID_INIT_INO = 0xeffffffc;

export class KernelObjects {
  readonly #kernel: TextFloor;
  #nsproxy: Addr = 0;
  #pidNs: Addr = 0;
  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
  }
  save() {
    return { nsproxy: this.#nsproxy, pidNs: this.#pidNs };
  }
  restore(s: ReturnType<KernelObjects['save']>): void {
    this.#nsproxy = s.nsproxy;
    this.#pidNs = s.pidNs;
  }

  /** A zeroed structure, in its own data symbol where it has one. */
  make(struct: string, symbol?: string): Addr {
    const at = symbol === undefined ? undefined : this.#kernel.symbols.address(symbol);
    return at !== undefined && at < 0 ? at : this.#kernel.slab.kmalloc(this.#kernel.structs.of(struct).size);
  }
  /** `init_nsproxy` and the namespaces that it points to. */
  get nsproxy(): Addr {
    if (this.#nsproxy === 0) {
      const { memory, structs, symbols, slab } = this.#kernel;
      const layout = structs.of('nsproxy');
      this.#nsproxy = this.make('nsproxy', 'init_nsproxy');
      const put = (path: string, value: Addr): void => memory.writeAddr(this.#nsproxy + layout.offset(path), value);
      const pidLayout = structs.of('pid_namespace');
      this.#pidNs = this.make('pid_namespace', 'init_pid_ns');
      memory.writeU32(this.#pidNs + pidLayout.offset('ns.inum'), PROC_PID_INIT_INO);
      put('pid_ns_for_children', this.#pidNs);
      put('net_ns', symbols.address('init_net') ?? slab.kmalloc(8192));
      put('mnt_ns', slab.kmalloc(256));
      put('uts_ns', slab.kmalloc(512));
    }
    return this.#nsproxy;
  }
  /** `struct pid` with its number in the initial namespace. */
  pid(nr: number): Addr {
    const { memory, structs } = this.#kernel;
    void this.nsproxy;
    const layout = structs.of('pid');
    const upid = structs.of('upid');
    const at = this.#kernel.slab.kmalloc(layout.size + upid.size);
    memory.writeU32(at + layout.offset('count'), 1);
    const number = at + layout.offset('numbers');
    memory.writeU32(number + upid.offset('nr'), nr);
    memory.writeAddr(number + upid.offset('ns'), this.#pidNs);
    return at;
  }
  /** `init_cred` */
  cred(): Addr {
    const { memory, structs, symbols } = this.#kernel;
    const layout = structs.of('cred');
    const at = this.make('cred', 'init_cred');
    // root has every capability that 6.12 knows (CAP_CHECKPOINT_RESTORE is 40)
    for (const set of ['cap_permitted', 'cap_effective', 'cap_bset'])
      memory.writeU64(at + layout.offset(set), 0x1ff_ffff_ffffn);
    memory.writeAddr(at + layout.offset('user_ns'), symbols.address('init_user_ns') ?? 0);
    return at;
  }
  signal(): Addr {
    return this.make('signal_struct');
  }
  mm(owner: Task): Addr {
    const { memory, structs } = this.#kernel;
    const layout = structs.of('mm_struct');
    const at = this.make('mm_struct');
    const put = (path: string, value: Addr): void => memory.writeAddr(at + layout.offset(path), value);
    put('start_code', USER_TEXT);
    put('end_code', USER_TEXT + 4096);
    put('start_data', USER_DATA);
    put('start_stack', USER_STACK_TOP);
    put('task_size', 0x7fff_ffff_f000);
    put('owner', owner.address);
    memory.writeU32(at + layout.offset('mm_users'), 1);
    return at;
  }
}
