/** System V IPC as hooks see it: `struct kern_ipc_perm` of each object that recorded calls made, messages, operations (svipc(7)). */

import type { Addr } from '../../src/machine/addr.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { fieldText, fieldTexts, numberOf } from '../syscall/recorded-struct.ts';
import type { On } from '../text/hypercalls.ts';
import { givenTo } from './calls.ts';

const SEMBUF = 6;
/** SEARCH_* of ipc/msg.c; msgrcv(2) */
const SEARCH = { ANY: 1, EQUAL: 2, NOTEQUAL: 3, LESSEQUAL: 4 } as const;
const MSG_EXCEPT = 0o20000;

export class Ipc {
  readonly #kernel: ObjectFloor;
  /** by kind and id: `msg 0` */
  readonly #perms = new Map<string, Addr>();

  constructor(kernel: ObjectFloor, on: On) {
    this.#kernel = kernel;
    const { args, memory, slab, recorded, tasks } = kernel;
    const given = givenTo(kernel);
    const kind = (): string => (tasks.current.call?.name ?? '').slice(0, 3);
    // *get(2): (flags), after it succeeded
    on('ipc_new', () => {
      const perm = this.#perm(kind(), recorded.lo);
      perm.set('mode', args.lo(0) & 0o777).set('id', recorded.lo);
      args.retAddr(perm.at);
    });
    on('ipc_perm', () => args.retAddr(this.#perm(kind(), args.lo(0)).at));
    // IPC_RMID
    on('ipc_free', () => {
      const at = this.#perms.get(`${kind()} ${args.lo(0)}`);
      if (at === undefined) return;
      this.#perms.delete(`${kind()} ${args.lo(0)}`);
      slab.kfree(at);
    });
    // {mtype=7, mtext="abc\0"}, and its length
    on('msg_msg', () => {
      const message = new GuestStruct(kernel, 'msg_msg', slab.kmalloc(kernel.structs.of('msg_msg').size));
      const length = kind() === 'msg' && recorded.lo > 0 ? recorded.lo : args.lo(0);
      message.setBig('m_type', BigInt(numberOf(fieldText(given.text(1), 'mtype')) ?? 0)).setBig('m_ts', BigInt(length));
      args.retAddr(message.at);
    });
    // (type, flags): convert_mode() of ipc/msg.c
    on('msg_mode', () => {
      const type = args.lo(0);
      const { ANY, EQUAL, NOTEQUAL, LESSEQUAL } = SEARCH;
      args.retU32(type === 0 ? ANY : type < 0 ? LESSEQUAL : args.lo(1) & MSG_EXCEPT ? NOTEQUAL : EQUAL);
    });
    // (count): [{sem_num=0, sem_op=1, sem_flg=0}]
    on('sembufs', () => {
      const count = Math.min(args.lo(0), 500);
      const at = slab.kmalloc(SEMBUF * Math.max(count, 1));
      for (const [field, name] of ['sem_num', 'sem_op'].entries())
        for (const [n, text] of fieldTexts(given.text(1), name).entries())
          if (n < count) memory.writeU16(at + SEMBUF * n + 2 * field, (numberOf(text) ?? 0) & 0xffff);
      args.retAddr(at);
    });
  }
  save() {
    return capture({ perms: this.#perms });
  }
  restore(state: ReturnType<Ipc['save']>): void {
    state.back();
  }

  #perm(kind: string, id: number): GuestStruct {
    const key = `${kind} ${id}`;
    let at = this.#perms.get(key);
    if (at === undefined) {
      at = this.#kernel.slab.kmalloc(this.#kernel.structs.of('kern_ipc_perm').size);
      this.#perms.set(key, at);
    }
    return new GuestStruct(this.#kernel, 'kern_ipc_perm', at).set('id', id);
  }
}
