/** A network namespace as a descriptor of `/proc/PID/ns/net` refers to it: what links of sk_lookup and flow dissectors are made on. */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { capture, type Stateful } from '../core/state.ts';

/** PROC_DYNAMIC_FIRST: the inode that the first namespace gets (fs/proc/generic.c) */
const INIT_INO = 0xf000_0000;

export class NetNamespace implements FdObject, Stateful {
  /** `struct net` */
  readonly at: Addr;
  readonly inode: number;
  /** the flow dissector of the namespace: `struct bpf_prog`, 0 where it has none */
  flowDissector: Addr = 0;
  constructor(at: Addr, inode = INIT_INO) {
    this.at = at;
    this.inode = inode;
  }
  save() {
    return capture({ flowDissector: this.flowDissector });
  }
  restore(state: ReturnType<NetNamespace['save']>): void {
    this.flowDissector = state.back().flowDissector;
  }
  get fdName(): string {
    return `net:[${this.inode}]`;
  }
  /** @throws KernelError EEXIST where it has one */
  setFlowDissector(prog: Addr): void {
    if (this.flowDissector !== 0) throw new KernelError('EEXIST', 'the namespace has a flow dissector already');
    this.flowDissector = prog;
  }
}
