/** A screen of cells: borders that join, and lines put into them. */
import type { Rect } from './layout.ts';
import { cells, type Line, type Span, type Style } from './text.ts';

const UP = 1;
const DOWN = 2;
const LEFT = 4;
const RIGHT = 8;
/** Box drawing by the sides from which lines come. */
const BOX = '  ││ ┘┐┤ └┌├─┴┬┼';

export class Frame {
  readonly cols: number;
  readonly rows: number;
  readonly #text: string[];
  readonly #style: Style[];
  readonly #border: Uint8Array;

  constructor(cols: number, rows: number) {
    this.cols = cols;
    this.rows = rows;
    this.#text = new Array<string>(cols * rows).fill(' ');
    this.#style = new Array<Style>(cols * rows).fill('plain');
    this.#border = new Uint8Array(cols * rows);
  }

  /** From a place to the right; what does not fit is left out. */
  put(x: number, y: number, l: Line): void {
    if (y < 0 || y >= this.rows) return;
    let at = x;
    for (const { text, style } of l) {
      for (const c of text) {
        const n = cells(c);
        if (at + n > this.cols) return;
        const i = y * this.cols + at;
        if (n === 0) {
          if (at > x) this.#text[i - 1] += c;
          continue;
        }
        this.#text[i] = c;
        this.#style[i] = style;
        // a wide character's second cell is part of it
        if (n === 2) this.#text[i + 1] = '';
        at += n;
      }
    }
  }

  box({ x, y, w, h }: Rect, style: Style = 'title'): void {
    const right = x + w - 1;
    const bottom = y + h - 1;
    for (let at = x; at <= right; at++) {
      const sides = (at > x ? LEFT : 0) | (at < right ? RIGHT : 0);
      this.#side(at, y, sides, style);
      this.#side(at, bottom, sides, style);
    }
    for (let at = y; at <= bottom; at++) {
      const sides = (at > y ? UP : 0) | (at < bottom ? DOWN : 0);
      this.#side(x, at, sides, style);
      this.#side(right, at, sides, style);
    }
  }
  #side(x: number, y: number, sides: number, style: Style): void {
    const i = y * this.cols + x;
    const all = (this.#border[i] as number) | sides;
    this.#border[i] = all;
    this.#text[i] = BOX[all] as string;
    this.#style[i] = style;
  }

  lines(): Line[] {
    const out: Line[] = [];
    for (let y = 0; y < this.rows; y++) {
      const spans: Span[] = [];
      let text = '';
      let style: Style = 'plain';
      for (let i = y * this.cols; i < (y + 1) * this.cols; i++) {
        const next = this.#style[i] as Style;
        if (next !== style && text !== '') {
          spans.push({ text, style });
          text = '';
        }
        style = next;
        text += this.#text[i] as string;
      }
      if (text !== '') spans.push({ text, style });
      out.push(spans);
    }
    return out;
  }
}
