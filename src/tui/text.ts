/** Lines of styled text, and how wide they are on a terminal. */

/** What a span is; the palette gives it a colour, and each says one thing. */
export type Style =
  | 'plain'
  | 'dim'
  | 'bold'
  /** the instruction or line where it stands */
  | 'cursor'
  /** row that was chosen with the arrow keys */
  | 'selected'
  /** differs from the last stop */
  | 'changed'
  /** what the verifier knew */
  | 'verifier'
  /** what a probe patched */
  | 'patch'
  | 'title'
  | 'focus'
  /** C text */
  | 'source'
  | 'bad'
  | 'good'
  | 'key'
  | 'prose';

export interface Span {
  readonly text: string;
  readonly style: Style;
}
export type Line = readonly Span[];

export const span = (text: string, style: Style = 'plain'): Span => ({ text, style });
export const line = (...parts: readonly (Span | string)[]): Line =>
  parts.map((p) => (typeof p === 'string' ? span(p) : p));

/** East Asian wide characters and emoji take two cells, combining ones none (Unicode's UAX 11). */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const NONE = /[\p{Mn}\p{Me}\u200b-\u200f\ufeff]/u;

export const cells = (c: string): number => (c < '\u0300' ? 1 : NONE.test(c) ? 0 : WIDE.test(c) ? 2 : 1);
export const textWidth = (text: string): number => {
  let width = 0;
  for (const c of text) width += cells(c);
  return width;
};
export const lineWidth = (l: Line): number => l.reduce((n, s) => n + textWidth(s.text), 0);

/** Tabs are two blanks wide; what would move a terminal's cursor is shown, not sent. */
export const printable = (text: string): string =>
  text
    .replaceAll('\t', '  ')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '?');

/** Exactly `width` cells: what is longer ends in an ellipsis, what is shorter in blanks of the last style. */
export function fitted(l: Line, width: number, fill: Style = 'plain'): Line {
  const out: Span[] = [];
  const whole = lineWidth(l);
  let left = whole > width ? width - 1 : width;
  let isFull = false;
  for (const { text, style } of l) {
    let cut = '';
    for (const c of printable(text)) {
      const n = cells(c);
      if (n > left) {
        isFull = true;
        break;
      }
      cut += c;
      left -= n;
    }
    if (cut !== '') out.push({ text: cut, style });
    if (isFull || left <= 0) break;
  }
  if (whole > width && width > 0) out.push(span(`${' '.repeat(Math.max(0, left))}…`, 'dim'));
  else if (left > 0) out.push(span(' '.repeat(left), fill));
  return out;
}

/** All of it in one style, as a cursor's line is. */
export const restyle = (l: Line, style: Style): Line => [span(l.map((s) => s.text).join(''), style)];

export const plainText = (l: Line): string => l.map((s) => s.text).join('');

/** Breaks prose at blanks. */
export function wrap(text: string, width: number): string[] {
  const out: string[] = [];
  let row = '';
  for (const word of text.split(' ')) {
    if (row !== '' && textWidth(row) + 1 + textWidth(word) > width) {
      out.push(row);
      row = word;
    } else row = row === '' ? word : `${row} ${word}`;
  }
  out.push(row);
  return out;
}
