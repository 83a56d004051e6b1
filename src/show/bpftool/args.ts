/** Words of a command line in bpftool's grammar, one after the other. */
import { ArgumentError } from '../../errors/argument.ts';

export class Words {
  readonly #words: readonly string[];
  #at = 0;
  constructor(words: readonly string[]) {
    this.#words = words;
  }
  get isEnd(): boolean {
    return this.#at >= this.#words.length;
  }
  get peek(): string | undefined {
    return this.#words[this.#at];
  }
  /** The next word. @throws ArgumentError naming what it should be */
  take(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined)
      throw new ArgumentError('command', `expected ${what} at the end of '${this.#words.join(' ')}'`);
    this.#at++;
    return word;
  }
  /** Takes the word where it is this one; as bpftool does, a beginning of it is enough. */
  takeIf(word: string): boolean {
    const { peek } = this;
    if (peek === undefined || peek === '' || !word.startsWith(peek)) return false;
    this.#at++;
    return true;
  }
  /** A whole number, in C's notation. @throws ArgumentError */
  number(what: string): number {
    const text = this.take(what);
    const n = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(n)) throw new ArgumentError('command', `'${text}' is not ${what}`);
    return n;
  }
  rest(): readonly string[] {
    const rest = this.#words.slice(this.#at);
    this.#at = this.#words.length;
    return rest;
  }
  /** @throws ArgumentError where words are left */
  end(): void {
    if (!this.isEnd) throw new ArgumentError('command', `'${this.#words.slice(this.#at).join(' ')}' is too much`);
  }
}
