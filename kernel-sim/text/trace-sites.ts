/**
 * Tracepoint sites in kernel text: 5-byte nops that become jumps while the event is enabled
 * (Linux 6.12 Documentation/staging/static-keys.rst).
 */
import type { Addr } from '../../src/machine/addr.ts';
import type { Machine } from '../../src/machine/index.ts';
import { capture, reinstate } from '../core/state.ts';
import type { TraceSite } from './compile.ts';

export const NOP5 = Uint8Array.of(0x0f, 0x1f, 0x44, 0x00, 0x00);

/** `jmp rel32` or `call rel32` from `at` to `to`. */
export function branch(opcode: 0xe8 | 0xe9, at: Addr, to: Addr): Uint8Array {
  const bytes = new Uint8Array(5);
  bytes[0] = opcode;
  new DataView(bytes.buffer).setInt32(1, to - (at + 5), true);
  return bytes;
}

/** In place of an event: the site is a load that may fault, and goes on out of line then (`__ex_table`). */
export const EX_TABLE = '__ex_table';

export class TraceSites {
  readonly #machine: Machine;
  readonly #sites = new Map<string, TraceSite[]>();
  readonly #enabled = new Map<string, number>();
  readonly #fixups = new Map<Addr, Addr>();
  constructor(machine: Machine) {
    this.#machine = machine;
  }
  save() {
    return capture({ sites: this.#sites, enabled: this.#enabled, fixups: this.#fixups });
  }
  restore(state: ReturnType<TraceSites['save']>): void {
    reinstate(state);
  }

  add(site: TraceSite): void {
    if (site.event === EX_TABLE) {
      this.#fixups.set(site.at, site.outOfLine);
      return;
    }
    const list = this.#sites.get(site.event);
    if (list) list.push(site);
    else this.#sites.set(site.event, [site]);
    if (this.#enabled.get(site.event)) this.#machine.patch(site.at, branch(0xe9, site.at, site.outOfLine));
  }
  /** Where the load at an address goes on after a fault; undefined where a fault there is one. */
  fixup(at: Addr): Addr | undefined {
    return this.#fixups.get(at);
  }
  of(event: string): readonly TraceSite[] {
    return this.#sites.get(event) ?? [];
  }
  /** One more user of the event; the first one patches its sites. */
  enable(event: string): void {
    const users = this.#enabled.get(event) ?? 0;
    this.#enabled.set(event, users + 1);
    if (users === 0) for (const s of this.of(event)) this.#machine.patch(s.at, branch(0xe9, s.at, s.outOfLine));
  }
  disable(event: string): void {
    const users = (this.#enabled.get(event) ?? 0) - 1;
    this.#enabled.set(event, Math.max(0, users));
    if (users === 0) for (const s of this.of(event)) this.#machine.patch(s.at, NOP5);
  }
}
