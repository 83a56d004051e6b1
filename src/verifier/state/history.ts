/**
 * `struct bpf_jmp_history_entry`: instructions of a path since its last saved state that cannot be
 * found by counting down. Shared between states, so appending makes a longer list over the old one.
 */
export const HIST_FRAME_MASK = 7;
export const HIST_SPI_SHIFT = 3;
export const HIST_SPI_MASK = 0x3f;
export const HIST_STACK_ACCESS = 1 << 9;
/** a conditional jump's operand is a stack pointer, which has no precision */
export const HIST_DST_STACK = 1 << 10;
export const HIST_SRC_STACK = 1 << 11;

export interface LinkedReg {
  readonly frameno: number;
  readonly isReg: boolean;
  /** register number or stack slot */
  readonly index: number;
}

export interface HistoryEntry {
  readonly idx: number;
  readonly prevIdx: number;
  /** frame and slot of a stack access, HIST_* */
  readonly flags: number;
  readonly linked: readonly LinkedReg[] | undefined;
}

export interface JmpHistory {
  readonly entries: readonly HistoryEntry[];
  /** entries that belong to this list; `entries` may be longer where a sibling appended */
  readonly count: number;
}
export const NO_HISTORY: JmpHistory = { entries: [], count: 0 };

/** Appends; copies only when another path already appended at this place. */
export function append(history: JmpHistory, entry: HistoryEntry): JmpHistory {
  const shared = history.entries as HistoryEntry[];
  if (history.count > 0 && shared.length === history.count) {
    shared.push(entry);
    return { entries: shared, count: history.count + 1 };
  }
  const own = shared.slice(0, history.count);
  own.push(entry);
  return { entries: own, count: own.length };
}

/** Replaces the last entry, leaving lists that share it as they are. */
export function replaceLast(history: JmpHistory, entry: HistoryEntry): JmpHistory {
  const own = history.entries.slice(0, history.count - 1);
  own.push(entry);
  return { entries: own, count: own.length };
}
