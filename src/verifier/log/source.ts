/** C source lines in the log, from line_info (verbose_linfo()). */
import type { Btf } from '../../btf/index.ts';
import type { LineInfo } from '../types.ts';
import { byteString } from './log.ts';

export class SourceLines {
  readonly #btf: Btf | undefined;
  readonly #lines: readonly LineInfo[];
  #previous: LineInfo | undefined;

  constructor(btf: Btf | undefined, lines: readonly LineInfo[] | undefined) {
    this.#btf = btf;
    this.#lines = lines ?? [];
  }

  /** A new function starts: its first line is printed whatever came before. */
  forget(): void {
    this.#previous = undefined;
  }

  #find(insnIdx: number): LineInfo | undefined {
    let low = 0;
    let high = this.#lines.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lines[middle] as LineInfo).insnOff <= insnIdx) low = middle;
      else high = middle;
    }
    return this.#lines[low];
  }

  /** The line for an instruction, as {@link byteString}, or '' where the line printed last still holds. */
  text(insnIdx: number): string {
    const line = this.#find(insnIdx);
    if (!line || line === this.#previous || !this.#btf) return '';
    if (
      this.#previous &&
      line.fileNameOff === this.#previous.fileNameOff &&
      line.lineCol >>> 10 === this.#previous.lineCol >>> 10
    )
      return '';
    this.#previous = line;
    const file = this.#btf.string(line.fileNameOff).replace(/^.*\//, '');
    return byteString(`; ${this.#btf.string(line.lineOff).trimStart()} @ ${file}:${line.lineCol >>> 10}\n`);
  }
}
