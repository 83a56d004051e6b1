/** What could not be read of a recording, in bounded room. */

/** A line that could not be read; the rest is replayed. */
export interface RecordingWarning {
  /** from 1 */
  readonly line: number;
  readonly message: string;
}

/** kept with their messages; of others only the number is known */
const KEPT = 1000;
/** named in a summary */
const NAMED = 8;

export class LineWarnings {
  readonly #kept: RecordingWarning[] = [];
  #count = 0;

  add(line: number, message: string): void {
    this.#count++;
    if (this.#kept.length < KEPT) this.#kept.push({ line, message });
  }
  /** lines that could not be read, those that are not kept counted */
  get count(): number {
    return this.#count;
  }
  /** The first of them, in the order of their lines. */
  get list(): readonly RecordingWarning[] {
    return this.#kept.sort((a, b) => a.line - b.line);
  }
  /** All in one line: `3 lines could not be read (12, 15, 40); line 12: a string does not end`. Undefined where there are none. */
  summary(name: string): string | undefined {
    const [first] = this.list;
    if (first === undefined) return undefined;
    if (this.#count === 1) return `${name}, line ${first.line}: ${first.message}`;
    const lines = this.list.slice(0, NAMED).map((w) => w.line);
    const more = this.#count > lines.length;
    return `${name}: ${this.#count} lines could not be read (${more ? 'first: ' : ''}${lines.join(', ')}${more ? ', …' : ''}); line ${first.line}: ${first.message}`;
  }
}
