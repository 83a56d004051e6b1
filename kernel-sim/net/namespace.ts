/** A network namespace as a descriptor of `/proc/PID/ns/net` refers to it: what links of sk_lookup are made on. */
import type { Addr } from '../../src/machine/addr.ts';
import type { FdObject } from '../core/fds.ts';

/** PROC_DYNAMIC_FIRST: the inode that the first namespace gets (fs/proc/generic.c) */
const INIT_INO = 0xf000_0000;

export class NetNamespace implements FdObject {
  /** `struct net` */
  readonly at: Addr;
  readonly inode: number;
  constructor(at: Addr, inode = INIT_INO) {
    this.at = at;
    this.inode = inode;
  }
  get fdName(): string {
    return `net:[${this.inode}]`;
  }
}
