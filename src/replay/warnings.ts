/** What could not be read of a recording, in bounded room. */

/** A line that could not be read; the rest is replayed. */
export interface RecordingWarning {
  /** from 1 */
  readonly line: number;
  readonly message: string;
}

/** kept with their messages; of others only the number is known */
const KEPT = 1000;
/** lines, and kinds of what was wrong with them, that a summary names */
const NAMED = 8;
const KINDS = 5;

/** What is the same in messages of one kind: not what they quote, nor what they found. */
const kindOf = (message: string): string => message.replace(/: .*/s, '').replaceAll(/'[^']*'/g, "''");

export class LineWarnings {
  readonly #kept: RecordingWarning[] = [];
  /** by kind, how many and the first; more kinds than there can be messages are not kept */
  readonly #kinds = new Map<string, { count: number; first: RecordingWarning }>();
  #count = 0;

  add(line: number, message: string): void {
    this.#count++;
    const kind = kindOf(message);
    const of = this.#kinds.get(kind);
    if (of === undefined) {
      if (this.#kinds.size < KEPT) this.#kinds.set(kind, { count: 1, first: { line, message } });
    } else {
      of.count++;
      if (line < of.first.line) of.first = { line, message };
    }
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
  /**
   * All in one line: `3 lines could not be read (12, 15, 40); line 12: a string does not end`, and of several kinds how many
   * each has: `; 2 as line 12: a string does not end; 1 as line 40: ...`. Undefined where there are none.
   */
  summary(name: string): string | undefined {
    const [first] = this.list;
    if (first === undefined) return undefined;
    if (this.#count === 1) return `${name}, line ${first.line}: ${first.message}`;
    const lines = this.list.slice(0, NAMED).map((w) => w.line);
    const more = this.#count > lines.length;
    const which = `${more ? 'first: ' : ''}${lines.join(', ')}${more ? ', …' : ''}`;
    return `${name}: ${this.#count} lines could not be read (${which}); ${this.#reasons()}`;
  }
  #reasons(): string {
    const kinds = [...this.#kinds.values()].sort((a, b) => b.count - a.count || a.first.line - b.first.line);
    const texts = kinds.slice(0, KINDS).map(({ count, first }) => {
      const text = `line ${first.line}: ${first.message}`;
      return kinds.length === 1 ? text : `${count} as ${text}`;
    });
    const named = kinds.slice(0, KINDS).reduce((sum, { count }) => sum + count, 0);
    if (named < this.#count) texts.push(`${this.#count - named} for other reasons`);
    return texts.join('; ');
  }
}
