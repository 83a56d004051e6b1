/** What a watchpoint watches: a value that changes, or memory that guest code touches. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { type Addr, addrLo } from '../../machine/addr.ts';
import { type Access, PAGE_SIZE, READ, WRITE } from '../../machine/layout.ts';
import { decode, table } from '../../x86/index.ts';
import type { Breakpoint } from '../breakpoints/types.ts';
import type { SessionContext } from '../session/context.ts';

export interface Watcher {
  readonly point: Breakpoint;
  /** From here on something may happen. */
  begin(): void;
  /** Whether it did since {@link begin}; `exact`: one instruction was executed since, else it may be that it did. */
  fired(exact: boolean): boolean;
  /** What its value was at {@link begin}; undefined where it tells of accesses. */
  readonly before?: string;
}

/** Watchers of these points, and whether they need that everything is stepped. */
export function watchersOf(
  session: SessionContext,
  points: readonly Breakpoint[],
): { readonly all: readonly Watcher[]; readonly accesses: AccessLog | undefined } {
  const touched = points.filter((p) => p.at.kind === 'memory' && (p.at.on ?? 'write') !== 'write');
  const accesses = touched.length === 0 ? undefined : new AccessLog(session.kernel, touched);
  return {
    all: points.map((p) =>
      accesses !== undefined && touched.includes(p) ? new AccessWatcher(p, accesses) : new ValueWatcher(session, p),
    ),
    accesses,
  };
}

class ValueWatcher implements Watcher {
  readonly point: Breakpoint;
  readonly #session: SessionContext;
  before = '';

  constructor(session: SessionContext, point: Breakpoint) {
    this.#session = session;
    this.point = point;
  }
  begin(): void {
    this.before = this.#session.watched(this.point.at);
  }
  fired(): boolean {
    return this.#session.watched(this.point.at) !== this.before;
  }
}

/** bytes of the widest access */
const WIDEST = 64;

/** Accesses of guest code to the pages that the points are on. */
export class AccessLog {
  readonly #kernel: Kernel;
  readonly #pages = new Set<Addr>();
  readonly seen: { readonly va: Addr; readonly access: Access }[] = [];
  /** bytes that the instruction at hand may touch at once */
  width = 8;

  constructor(kernel: Kernel, points: readonly Breakpoint[]) {
    this.#kernel = kernel;
    for (const { at } of points) {
      if (at.kind !== 'memory') continue;
      for (let va = pageDown(at.address - WIDEST); va < at.address + at.bytes; va += PAGE_SIZE) this.#pages.add(va);
    }
  }
  begin(): void {
    this.seen.length = 0;
    this.width = widthAt(this.#kernel);
  }
  /** From here on, to {@link disarm}, accesses are seen. */
  arm(): void {
    this.#kernel.memory.watch = {
      pages: this.#pages,
      accessed: (va, access) => void this.seen.push({ va, access }),
    };
  }
  disarm(): void {
    this.#kernel.memory.watch = undefined;
  }
}

class AccessWatcher implements Watcher {
  readonly point: Breakpoint;
  readonly #log: AccessLog;

  constructor(point: Breakpoint, log: AccessLog) {
    this.point = point;
    this.#log = log;
  }
  begin(): void {
    this.#log.begin();
  }
  fired(exact: boolean): boolean {
    const { at } = this.point;
    if (at.kind !== 'memory') return false;
    const width = exact ? this.#log.width : WIDEST;
    return this.#log.seen.some(
      ({ va, access }) =>
        (access === READ || (access === WRITE && at.on === 'access')) &&
        va < at.address + at.bytes &&
        va + width > at.address,
    );
  }
}

const pageDown = (va: Addr): Addr => va - (addrLo(va) & (PAGE_SIZE - 1));

/** Bytes of the memory operand of the instruction at rip; of what has none (push, call, string instructions), 8. */
function widthAt({ cpu, memory }: Kernel): number {
  const phys = memory.translate(cpu.rip, 2, cpu.cpl === 3);
  const insn = phys < 0 ? undefined : decode(memory.u8.subarray(phys, phys + 15), 0);
  const notation = insn === undefined || insn.row < 0 ? '' : (table[insn.row]?.syntax ?? '');
  const bits = /m(8|16|32|64|128|256|512)\b/.exec(notation)?.[1];
  return bits === undefined ? 8 : Number(bits) / 8;
}
