/**
 * Exceptions as data: Intel SDM vol. 3A, 6.15 "Exception and Interrupt Reference".
 */

import { EmuError } from '../errors/index.ts';
import { hexBytes } from '../platform/index.ts';
import { type Addr, formatAddr } from './addr.ts';
import type { Access } from './layout.ts';

export const VECTOR = { de: 0, db: 1, bp: 3, ud: 6, df: 8, ss: 12, gp: 13, page: 14 } as const;
export type FaultKind = keyof typeof VECTOR;

/** Page-fault error code bits (SDM vol. 3A, figure 4-12). */
export const PF_PRESENT = 1;
export const PF_WRITE = 2;
export const PF_USER = 4;
export const PF_FETCH = 16;

/**
 * An access to guest memory that the page table does not allow. The host's own accessors throw it as it is;
 * when guest code made the access the machine turns it into a {@link Fault}.
 */
export class GuestFault extends EmuError {
  override readonly name = 'GuestFault';
  readonly address: Addr;
  readonly access: Access;
  /** page-fault error code without the user bit; -1 where the address is not canonical (#GP) */
  readonly errorCode: number;
  constructor(address: Addr, access: Access, errorCode: number) {
    const what = ['read', 'write', 'instruction fetch'][access];
    const why = errorCode < 0 ? 'not canonical' : errorCode & PF_PRESENT ? 'not permitted' : 'not mapped';
    super('ERR_GUEST_FAULT', `guest ${what} at ${formatAddr(address)}: ${why}`, { where: formatAddr(address) });
    this.address = address;
    this.access = access;
    this.errorCode = errorCode;
  }
}

export interface FaultDetails {
  readonly errorCode?: number;
  /** page faults: the address accessed (CR2) */
  readonly address?: Addr;
  /** #UD: the bytes that were not an instruction */
  readonly bytes?: Uint8Array;
  /** why, for people: 'non-canonical address', 'divide by zero' ... */
  readonly detail?: string;
}

const TITLE: Record<FaultKind, string> = {
  de: 'divide error',
  db: 'debug exception',
  bp: 'breakpoint',
  ud: 'invalid opcode',
  df: 'double fault',
  ss: 'stack segment',
  gp: 'general protection fault',
  page: 'page fault',
};

/** An exception that guest code raised. Registers are as before the instruction (after it for traps: #BP, #DB). @internal becomes a stop of the machine */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly vector: number;
  readonly errorCode: number;
  readonly rip: Addr;
  readonly address: Addr | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly detail: string | undefined;
  constructor(kind: FaultKind, rip: Addr, details: FaultDetails = {}) {
    const at = details.address === undefined ? '' : ` at ${formatAddr(details.address)}`;
    const bytes = details.bytes ? `, bytes ${hexBytes(details.bytes)}` : '';
    const why = details.detail ? ` (${details.detail})` : '';
    super(`${TITLE[kind]}${at}, rip ${formatAddr(rip)}${bytes}${why}`);
    this.kind = kind;
    this.vector = VECTOR[kind];
    this.errorCode = details.errorCode ?? 0;
    this.rip = rip;
    this.address = details.address;
    this.bytes = details.bytes;
    this.detail = details.detail;
  }

  /** As {@link Fault}, without the stack trace that an Error collects: of those that guest code raises often. */
  static light(kind: FaultKind, rip: Addr, details?: FaultDetails): Fault {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    const fault = new Fault(kind, rip, details);
    Error.stackTraceLimit = limit;
    return fault;
  }

  /** The fault that guest code at `rip` raises when an access of its own fails. */
  static fromAccess(fault: GuestFault, rip: Addr, user: boolean): Fault {
    if (fault.errorCode < 0) return new Fault('gp', rip, { detail: 'non-canonical address' });
    return new Fault('page', rip, { address: fault.address, errorCode: fault.errorCode | (user ? PF_USER : 0) });
  }
}

/** No physical pages left, or a size that this machine cannot have. */
export class OutOfMemory extends EmuError {
  override readonly name = 'OutOfMemory';
  constructor(message: string) {
    super('ERR_GUEST_MEMORY', message);
  }
}

/** Thrown by a hypercall handler to end {@link Machine.run}: 'stopped', with `why` for the caller. @internal becomes a stop of the machine */
export class MachineStop extends Error {
  override readonly name = 'MachineStop';
  readonly why: unknown;
  constructor(why: unknown) {
    super(typeof why === 'string' ? why : 'machine stopped');
    this.why = why;
  }
}

/** A machine was asked to be saved or restored in the middle of a hypercall: let the run that it belongs to end first. */
export class MachineBusy extends EmuError {
  override readonly name = 'MachineBusy';
  constructor(message: string) {
    super('ERR_MACHINE_BUSY', message);
  }
}
