/**
 * Memory that a process of the host has mapped and the model has too: maps with BPF_F_MMAPABLE, ring buffers, perf rings.
 * WebAssembly memory cannot be shared with another process, so the process maps a memfd, and the two are kept the same:
 * what the process stored is taken before the model looks, what the model stored is put there afterwards.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { FdObject } from '../../kernel-sim/core/fds.ts';
import type { Mapping } from '../../kernel-sim/core/file-ops.ts';

const PAGE = 4096;

interface Page {
  /** offset in the memfd */
  readonly at: number;
  /** index into guest memory */
  readonly phys: number;
  /** what both held when they were last the same */
  readonly base: Uint8Array;
  readonly writable: boolean;
}

/** One object's memory. */
export class Mirror {
  /** descriptor of the supervisor's */
  readonly own: number;
  readonly #fd: number;
  readonly #guest: Uint8Array;
  readonly #pages = new Map<number, Page>();
  /** from the last to the first */
  #order: readonly Page[] = [];
  readonly #mappings: Mapping[] = [];
  readonly #host = new Uint8Array(PAGE);

  constructor(guest: Uint8Array, own: number, path: string) {
    this.#guest = guest;
    this.own = own;
    this.#fd = openSync(path, 'r+');
  }
  /** The object's pages from `offset` on, as a process has mapped them. */
  add(offset: number, mapping: Mapping): void {
    this.#mappings.push(mapping);
    let at = offset;
    for (const { phys, bytes } of mapping.pages) {
      for (let n = 0; n < bytes; n += PAGE, at += PAGE) {
        const known = this.#pages.get(at);
        if (known && (known.writable || !mapping.writable)) continue;
        const base = known?.base ?? this.#guest.slice(phys + n, phys + n + PAGE);
        if (!known) writeSync(this.#fd, base, 0, PAGE, at);
        this.#pages.set(at, { at, phys: phys + n, base, writable: mapping.writable });
      }
    }
    this.#order = [...this.#pages.values()].sort((a, b) => b.at - a.at);
  }
  /** What the process stored, byte by byte where both wrote into a page. */
  pull(): void {
    for (const page of this.#pages.values()) {
      if (!page.writable) continue;
      readSync(this.#fd, this.#host, 0, PAGE, page.at);
      if (Buffer.compare(this.#host, page.base) === 0) continue;
      for (let n = 0; n < PAGE; n++) {
        if (this.#host[n] === page.base[n]) continue;
        page.base[n] = this.#host[n]!;
        this.#guest[page.phys + n] = this.#host[n]!;
      }
    }
  }
  /**
   * What the model stored: only bytes that changed are written, as the process may be storing beside them. From the end to
   * the beginning, where rings have their positions and records their headers: who reads meanwhile finds what these promise.
   * `consumer`: of a ring, where its reader stores its position, and nothing elsewhere than in that page.
   */
  push(consumer: number | undefined): void {
    for (const { at, phys, base } of this.#order) {
      const now = this.#guest.subarray(phys, phys + PAGE);
      if (Buffer.compare(now, base) === 0) continue;
      if (consumer !== undefined && (consumer < at || consumer >= at + PAGE)) {
        let [from, to] = [0, PAGE];
        while (now[from] === base[from]) from++;
        while (now[to - 1] === base[to - 1]) to--;
        writeSync(this.#fd, now, from, to - from, at + from);
        base.set(now);
        continue;
      }
      for (let to = PAGE; to > 0; ) {
        if (now[to - 1] === base[to - 1]) {
          to--;
          continue;
        }
        let from = to - 1;
        while (from > 0 && now[from - 1] !== base[from - 1]) from--;
        writeSync(this.#fd, now, from, to - from, at + from);
        to = from;
      }
      base.set(now);
    }
  }
  /** How full it is, 0 to 1, by the positions that reader and writer have in it. */
  fill(consumer: number, producer: number): number {
    const position = (at: number): number => {
      readSync(this.#fd, this.#host, 0, 8, at);
      return Number(new DataView(this.#host.buffer).getBigUint64(0, true));
    };
    return Math.max(0, position(producer) - position(consumer)) / Math.max(1, this.#pages.size * PAGE);
  }
  close(): void {
    for (const mapping of this.#mappings) mapping.unmap();
    closeSync(this.#fd);
  }
}

/** All of them. */
export class Mirrors {
  readonly #by = new Map<FdObject, Mirror>();
  readonly #guest: Uint8Array;
  constructor(guest: Uint8Array) {
    this.#guest = guest;
  }
  get(object: FdObject): Mirror | undefined {
    return this.#by.get(object);
  }
  /** `own`: the memfd, a descriptor of the supervisor's, which can be opened at `path`. */
  make(object: FdObject, own: number, path: string): Mirror {
    const mirror = new Mirror(this.#guest, own, path);
    this.#by.set(object, mirror);
    return mirror;
  }
  pull(): void {
    for (const mirror of this.#by.values()) mirror.pull();
  }
  push(): void {
    for (const [object, mirror] of this.#by) mirror.push(object.ring?.()?.consumer);
  }
  /** How full each ring is, 0 to 1. */
  *rings(): IterableIterator<{ readonly object: FdObject; readonly fill: number }> {
    for (const [object, mirror] of this.#by) {
      const ring = object.ring?.();
      if (ring) yield { object, fill: mirror.fill(ring.consumer, ring.producer) };
    }
  }
  /** Nobody has the object open any more. */
  drop(object: FdObject): void {
    this.#by.get(object)?.close();
    this.#by.delete(object);
  }
  close(): void {
    for (const mirror of this.#by.values()) mirror.close();
    this.#by.clear();
  }
}
