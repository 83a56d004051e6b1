/** Breakpoints and watchpoints that gdb sets (`Z`, `z`), and the words of a stop reply for each. */
import type { Breakpoint, SessionContext } from '../../debug/index.ts';
import type { Addr } from '../../machine/addr.ts';
import { addrFromBigInt, formatAddr } from '../../machine/addr.ts';

/** By the digit behind Z. */
const KINDS = ['swbreak', 'hwbreak', 'watch', 'rwatch', 'awatch'] as const;
const ACCESS = { watch: 'write', rwatch: 'read', awatch: 'access' } as const;
type Kind = (typeof KINDS)[number];

interface Point {
  readonly kind: Kind;
  readonly address: Addr;
  readonly id: number;
}

export class GdbPoints {
  readonly #session: SessionContext;
  readonly #points = new Map<string, Point>();

  constructor(session: SessionContext) {
    this.#session = session;
  }

  /** `2,ffff888003210000,8`: what stands behind Z. False: it is none that there is. */
  insert(text: string): boolean {
    const [type = '', at = '', length = ''] = (text.split(';')[0] as string).split(',');
    const kind = KINDS[Number(type)];
    if (kind === undefined || !/^[0-9a-f]+$/i.test(at)) return false;
    const key = keyOf(text);
    // gdb may set one twice
    if (this.#points.has(key)) return true;
    const { breakpoints } = this.#session;
    const address = addrFromBigInt(BigInt(`0x${at}`));
    const { id } =
      kind === 'swbreak' || kind === 'hwbreak'
        ? breakpoints.add({ kind: 'address', address })
        : breakpoints.watch({ kind: 'memory', address, bytes: Number.parseInt(length, 16), on: ACCESS[kind] });
    this.#points.set(key, { kind, address, id });
    return true;
  }
  remove(text: string): void {
    const point = this.#points.get(keyOf(text));
    if (point === undefined) return;
    this.#points.delete(keyOf(text));
    this.#session.breakpoints.remove(point.id);
  }
  clear(): void {
    for (const { id } of this.#points.values()) this.#session.breakpoints.remove(id);
    this.#points.clear();
  }

  /** `swbreak:;`, `watch:ffff888003210000;`; '' for one of a person at the prompt (`monitor break`). */
  reason(breakpoint: Breakpoint): string {
    const point = [...this.#points.values()].find((p) => p.id === breakpoint.id);
    if (point === undefined) return '';
    return `${point.kind}:${point.kind.endsWith('break') ? '' : formatAddr(point.address)};`;
  }
}

/** Type, address and kind; conditions and commands of the target's side are not taken. */
const keyOf = (text: string): string => text.split(';')[0] as string;
