/** A screen as a picture (SVG 1.1): a cell is a cell whatever the font, and colours are the palette's. */
import { type Line, lineWidth, type Style, textWidth } from './text.ts';

const CELL = 8;
const ROW = 17;
const PAD = 12;
const BACKGROUND = '#1b1f24';

interface Look {
  readonly fill: string;
  readonly back?: string;
  readonly bold?: boolean;
}

/** As palette.ts has them for terminals of 256 colours. */
const LOOKS: Readonly<Record<Style, Look>> = {
  plain: { fill: '#d0d4d8' },
  dim: { fill: '#808080' },
  bold: { fill: '#ffffff', bold: true },
  cursor: { fill: '#000000', back: '#5fd7d7' },
  selected: { fill: '#d0d4d8', back: '#444444' },
  changed: { fill: '#ffd75f', bold: true },
  verifier: { fill: '#87afd7' },
  patch: { fill: '#ff87ff', bold: true },
  title: { fill: '#5fafaf' },
  focus: { fill: '#ffd75f', bold: true },
  source: { fill: '#afd7af' },
  bad: { fill: '#ffffff', back: '#d70000', bold: true },
  good: { fill: '#87d787' },
  key: { fill: '#5fd7d7', bold: true },
  prose: { fill: '#ffffd7', bold: true },
};

const escaped = (text: string): string => text.replace(/[<>&]/g, (c) => `&#${c.charCodeAt(0)};`);

/** `title` is what a reader that sees no pictures is told. */
export function svgOf(lines: readonly Line[], title: string): string {
  const cols = Math.max(...lines.map(lineWidth));
  const width = cols * CELL + 2 * PAD;
  const height = lines.length * ROW + 2 * PAD;
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="13" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${width}" height="${height}" rx="6" fill="${BACKGROUND}"/>`,
  ];
  for (const [row, line] of lines.entries()) {
    let column = 0;
    const y = PAD + row * ROW;
    for (const { text, style } of line) {
      const x = PAD + column * CELL;
      const cells = textWidth(text);
      const { fill, back, bold } = LOOKS[style];
      column += cells;
      if (back !== undefined)
        out.push(`<rect x="${x}" y="${y}" width="${cells * CELL}" height="${ROW}" fill="${back}"/>`);
      // blanks at either end are room, not text
      const inner = text.trim();
      if (inner === '') continue;
      const from = x + textWidth(text.slice(0, text.indexOf(inner))) * CELL;
      const weight = bold === true ? ' font-weight="bold"' : '';
      out.push(
        `<text x="${from}" y="${y + 13}" fill="${fill}"${weight} xml:space="preserve" textLength="${textWidth(inner) * CELL}" lengthAdjust="spacingAndGlyphs">${escaped(inner)}</text>`,
      );
    }
  }
  return `${[...out, '</svg>'].join('\n')}\n`;
}
