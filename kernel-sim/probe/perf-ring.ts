/**
 * The ring of a perf event: a page of `struct perf_event_mmap_page`, then data pages, all in guest memory, which user
 * space maps (perf_event_open(2), "MMAP layout"; Linux 6.12 kernel/events/ring_buffer.c). Who maps it writable moves
 * data_tail, and what finds no room in front of it is lost and counted; otherwise the oldest records are overwritten.
 */

import { PERF_RECORD } from '../../src/uapi/index.ts';
import type { Mapping } from '../core/file-ops.ts';
import { Listeners } from '../core/listeners.ts';
import type { Ground } from '../floors/ground.ts';

const PAGE = 4096;
/** offsets in struct perf_event_mmap_page */
const HEAD = 1024;
const TAIL = 1032;
const DATA_OFFSET = 1040;
const DATA_SIZE = 1048;
const SIZE = 72;
/** size that the page says it has: up to __reserved */
const PAGE_FIELDS = 96;
/** sizeof(struct perf_event_header), and of a PERF_RECORD_LOST without its trailer */
const HEADER = 8;
const LOST = 24;

export interface RingOptions {
  /** data pages, a power of two */
  readonly pages: number;
  /** bytes after which a reader is woken; 0: half of the ring */
  readonly watermark: number;
  readonly writable: boolean;
}

export class PerfRing {
  readonly pages: number;
  /** a reader that waits is to look again */
  readonly woken = new Listeners<[]>();
  /** the answer of poll(2), which takes it */
  ready = false;
  readonly #memory: Ground['memory'];
  readonly #phys: number;
  readonly #bytes: number;
  readonly #watermark: number;
  readonly #overwrites: boolean;
  #head = 0;
  #wakeAt: number;
  /** not told of yet */
  #lost = 0;
  /** nothing is written for a while */
  paused = false;
  #events = 0;

  constructor({ memory }: Pick<Ground, 'memory'>, { pages, watermark, writable }: RingOptions) {
    this.#memory = memory;
    this.pages = pages;
    this.#bytes = pages * PAGE;
    this.#phys = memory.allocPages(1 + pages);
    this.#watermark = watermark > 0 && watermark < this.#bytes ? watermark : this.#bytes / 2;
    this.#wakeAt = 0;
    this.#overwrites = !writable;
    this.#put64(DATA_OFFSET, PAGE);
    this.#put64(DATA_SIZE, this.#bytes);
    memory.view.setUint32(this.#phys + SIZE, PAGE_FIELDS, true);
  }
  mapping(bytes: number, writable: boolean, unmap: () => void): Mapping {
    return { pages: [{ phys: this.#phys, bytes }], writable, unmap };
  }
  free(): void {
    this.#memory.freePages(this.#phys, 1 + this.pages);
  }

  /** Positions are u64; a double holds them as long as less than 8 PiB went through. */
  #put64(at: number, value: number): void {
    const { view } = this.#memory;
    view.setUint32(this.#phys + at, value >>> 0, true);
    view.setUint32(this.#phys + at + 4, Math.floor(value / 0x1_0000_0000), true);
  }
  get #tail(): number {
    const { view } = this.#memory;
    return view.getUint32(this.#phys + TAIL, true) + view.getUint32(this.#phys + TAIL + 4, true) * 0x1_0000_0000;
  }
  /**
   * Appends a record, a multiple of 8 bytes. `id` and `trailer` are for the record that tells of those that were lost;
   * `wakeupEvents`: how many records wake a reader, 0 where the watermark does. False where it is lost.
   */
  write(record: Uint8Array, id: number, trailer: Uint8Array, wakeupEvents: number): boolean {
    if (this.paused) {
      this.#lost++;
      return false;
    }
    const more = this.#lost > 0 ? LOST + trailer.length : 0;
    if (!this.#overwrites) {
      const used = this.#head - this.#tail;
      // as CIRC_SPACE: one byte stays free
      if (this.#bytes - 1 - used < record.length + more) {
        this.#lost++;
        return false;
      }
    }
    if (more > 0) this.#append(lostRecord(id, this.#lost, trailer));
    this.#lost = 0;
    this.#append(record);
    this.#put64(HEAD, this.#head);
    let wakes = false;
    if (wakeupEvents > 0) {
      wakes = ++this.#events >= wakeupEvents;
      if (wakes) this.#events = 0;
    }
    if (this.#head - this.#wakeAt > this.#watermark) {
      this.#wakeAt += this.#watermark;
      wakes = true;
    }
    if (!wakes) return true;
    this.ready = true;
    this.woken.tell();
    return true;
  }
  #append(bytes: Uint8Array): void {
    const { u8 } = this.#memory;
    const base = this.#phys + PAGE;
    const at = this.#head % this.#bytes;
    const first = Math.min(bytes.length, this.#bytes - at);
    u8.set(first === bytes.length ? bytes : bytes.subarray(0, first), base + at);
    if (first < bytes.length) u8.set(bytes.subarray(first), base);
    this.#head += bytes.length;
  }
}

function lostRecord(id: number, lost: number, trailer: Uint8Array): Uint8Array {
  const out = new Uint8Array(LOST + trailer.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, PERF_RECORD.LOST, true);
  view.setUint16(6, out.length, true);
  view.setBigUint64(HEADER, BigInt(id), true);
  view.setBigUint64(HEADER + 8, BigInt(lost), true);
  out.set(trailer, LOST);
  return out;
}
