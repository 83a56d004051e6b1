/** The small structures that hang off every task: credentials, pid, namespaces, mm, signal. */
import type { Addr } from '../../src/machine/addr.ts';
import { ALL_CAPS } from '../core/process.ts';
import { capture } from '../core/state.ts';
import type { TextFloor } from '../floors/text.ts';
import { Namespaces } from './namespaces.ts';
import type { Task } from './task.ts';
import { USER_DATA, USER_STACK_TOP, USER_TEXT } from './user-memory.ts';

export class KernelObjects {
  readonly #kernel: TextFloor;
  readonly namespaces: Namespaces;
  constructor(kernel: TextFloor) {
    this.#kernel = kernel;
    this.namespaces = new Namespaces(kernel);
  }
  save() {
    return capture({ namespaces: this.namespaces });
  }
  restore(state: ReturnType<KernelObjects['save']>): void {
    state.back();
  }

  /** A zeroed structure, in its own data symbol where it has one. */
  make(struct: string, symbol?: string): Addr {
    const at = symbol === undefined ? undefined : this.#kernel.symbols.address(symbol);
    return at !== undefined && at < 0 ? at : this.#kernel.slab.kmalloc(this.#kernel.structs.of(struct).size);
  }
  /** `init_cred` */
  cred(): Addr {
    const { memory, structs } = this.#kernel;
    const layout = structs.of('cred');
    const at = this.make('cred', 'init_cred');
    // root has every capability
    for (const set of ['cap_permitted', 'cap_effective', 'cap_bset'])
      memory.writeU64(at + layout.offset(set), ALL_CAPS);
    memory.writeAddr(at + layout.offset('user_ns'), this.namespaces.first('user'));
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
