/** A stopped system call as its handler sees it, and what becomes of it. */
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import type { FdObject } from '../../../kernel-sim/core/fds.ts';
import { PATH_MAX } from '../../uapi/fcntl.ts';
import type { Door } from '../door.ts';
import type { Outcome } from '../outcome.ts';
import type { HostProcess } from '../process.ts';
import type { HostCall, Script, StepArg } from '../wire.ts';

const PAGE = 4096;

export type Handler = (call: Call) => Outcome | Promise<Outcome>;

export class Call {
  readonly door: Door;
  readonly process: HostProcess;
  readonly tid: number;
  readonly nr: number;
  readonly path: string;
  readonly args: readonly bigint[];
  constructor(door: Door, process: HostProcess, { tid, nr, args, path }: HostCall) {
    this.door = door;
    this.process = process;
    this.tid = tid;
    this.nr = nr;
    this.args = args;
    this.path = path;
  }
  /** As an address or a size: user space has less than 2^53. */
  at(n: number): number {
    return Number(this.args[n]);
  }
  /** As an int. */
  int(n: number): number {
    return Number(BigInt.asIntN(32, this.args[n] ?? 0n));
  }
  /** The model's object behind a descriptor argument. */
  object(n: number): FdObject | undefined {
    return this.process.fds.find(this.int(n));
  }
  write(at: number, bytes: Uint8Array): number {
    return this.process.memory.write(at, bytes) ? 0 : -ERRNO.EFAULT;
  }
  /** The same call with some arguments changed. */
  with(changes: Readonly<Record<number, StepArg>>, data?: Uint8Array): Script {
    const args = this.args.map((arg, n): StepArg => changes[n] ?? arg);
    return { steps: [{ nr: this.nr, args }], result: 0, ...(data ? { data } : {}) };
  }
}

export const cString = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

/** A string of the caller's, of at most a path's length; read up to the end of a page at a time: what follows may not be mapped. */
export function cStringAt(call: Call, from: number): string | undefined {
  const parts: Uint8Array[] = [];
  for (let at = from; at < from + PATH_MAX; ) {
    const part = call.process.memory.read(at, PAGE - (at % PAGE));
    if (!part) return undefined;
    const end = part.indexOf(0);
    parts.push(end < 0 ? part : part.subarray(0, end));
    if (end >= 0) return Buffer.concat(parts).toString();
    at += part.length;
  }
  return undefined;
}
