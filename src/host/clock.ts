/**
 * The kernel's time as processes of the host read it: clock_gettime(2) and its kin are answered by supervisors out of a page
 * that is written here (native/clock.c). While events happen it is they that make time pass; before the first and after the
 * last it passes as on the host, and the kernel's clock comes along.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock } from '../../kernel-sim/core/clock.ts';

export type KernelClock = Pick<Clock, 'now' | 'pass' | 'bootRealtime'>;

/** begun, base, at, pace, realtime, ended: 8 bytes each, as native/clock.c has them */
const PAGE_BYTES = 48;

/** CLOCK_MONOTONIC of the host, ns */
const hostNow = (): number => Number(process.hrtime.bigint());

export class SharedClock {
  /** of the page */
  readonly path: string;
  readonly #clock: KernelClock;
  readonly #fd: number;
  readonly #page = new DataView(new ArrayBuffer(PAGE_BYTES));
  /** the kernel's time when the host's was `#at`, ns */
  #base: number;
  #at = hostNow();
  /** of the kernel's ns in one of the host's; 0: as events make it */
  #pace = 1;
  /** the kernel's clock follows, and not the other way round */
  #leads = true;
  #writes = 0n;

  /** `path`: a file that this makes */
  constructor(clock: KernelClock, path: string) {
    this.#clock = clock;
    this.path = path;
    this.#fd = openSync(path, 'wx', 0o600);
    this.#base = clock.now;
    this.#write();
  }
  /** As a process sees it now, ns since boot. */
  get monotonic(): number {
    return this.#base + (hostNow() - this.#at) * this.#pace;
  }
  /** Likewise, ns since 1970. */
  get realtime(): number {
    return Number(this.#clock.bootRealtime) + this.monotonic;
  }
  /** Kernel and processes have the same time again; what is due happens. Not while a program runs. */
  sync(): void {
    if (this.#leads) this.#clock.pass(Math.floor(this.monotonic));
    if (this.#clock.now <= this.monotonic && this.#isDated()) return;
    this.#rebase();
  }
  /** Events make time pass: as they come, or paced. */
  follow(pace: number | undefined): void {
    this.sync();
    this.#leads = false;
    this.#set(pace ?? 0);
  }
  /** There are no more events. */
  lead(): void {
    this.#leads = true;
    this.#set(1);
  }
  close(): void {
    closeSync(this.#fd);
  }

  #set(pace: number): void {
    this.#rebase();
    this.#pace = pace;
    this.#write();
  }
  #rebase(): void {
    const now = hostNow();
    this.#base = Math.max(this.#clock.now, Math.floor(this.#base + (now - this.#at) * this.#pace));
    this.#at = now;
    this.#write();
  }
  #isDated(): boolean {
    return this.#page.getBigInt64(32, true) === this.#clock.bootRealtime;
  }
  #write(): void {
    const page = this.#page;
    this.#writes++;
    page.setBigUint64(0, this.#writes, true);
    page.setBigInt64(8, BigInt(this.#base), true);
    page.setBigInt64(16, BigInt(this.#at), true);
    page.setFloat64(24, this.#pace, true);
    page.setBigInt64(32, this.#clock.bootRealtime, true);
    page.setBigUint64(40, this.#writes, true);
    writeSync(this.#fd, page, 0, PAGE_BYTES, 0);
  }
}
