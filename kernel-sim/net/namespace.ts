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

/** The namespace that a descriptor refers to, be it the file that proc has of it; undefined where it is none. */
export function netnsOf(object: FdObject | undefined): NetNamespace | undefined {
  const of = object?.of ?? object;
  return of instanceof NetNamespace ? of : undefined;
}
