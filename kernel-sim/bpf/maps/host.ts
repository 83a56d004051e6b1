/** What bpf(2) needs of the rest of the kernel, apart from the machine: memory, time, tasks, symbols. */

import type { Addr } from '../../../src/machine/addr.ts';
import type { GuestMemory } from '../../../src/machine/index.ts';
import type { SockMapProgs } from '../../net/psock.ts';

/** Memory and randomness, for maps. */
export interface MapHost {
  readonly memory: GuestMemory;
  readonly cpus: number;
  /** CPU that executes now */
  cpu(): number;
  kmalloc(size: number): Addr;
  kfree(at: Addr): void;
  /** a number that no other socket has: `sock_gen_cookie` */
  socketCookie(sk: Addr): bigint;
  /** sockets that come into a sockmap with its programs, and those that are in none any more */
  readonly psocks: { join(sk: Addr, progs: SockMapProgs): void; leave(sk: Addr): void };
  /** Tells of each kernel object that is freed; gives what ends that. */
  onFree(told: (at: Addr) => void): () => void;
  vmalloc(size: number): Addr;
  /** so many addresses, of which only the bytes at an offset are memory; freed as vmalloc's are */
  vmallocWithin(span: number, offset: number, size: number): Addr;
  vfree(at: Addr): void;
  /** `call_rcu`: once no program can be in the middle of using it */
  afterGrace(free: () => void): void;
  /** per-CPU memory: an address to which each CPU's offset is added */
  percpuAlloc(size: number): Addr;
  percpuFree(at: Addr): void;
  perCpuPtr(at: Addr, cpu: number): Addr;
  /** seeded, u32 */
  random(): number;
}
