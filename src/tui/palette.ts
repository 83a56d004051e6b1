/** From styles to what a terminal is sent (ECMA-48 8.3.117, SGR), by what it can show. */
import type { Line, Style } from './text.ts';

export interface Terminal {
  /** 0: none (NO_COLOR, no-color.org); 16; 256 and more */
  readonly colours: 0 | 16 | 256;
  /** characters beyond ASCII */
  readonly unicode: boolean;
}

type Codes = Readonly<Record<Style, string>>;

const NONE: Codes = {
  plain: '',
  dim: '',
  bold: '1',
  cursor: '7',
  selected: '4',
  changed: '1',
  verifier: '',
  patch: '1',
  title: '',
  focus: '1',
  source: '',
  bad: '1;7',
  good: '',
  key: '1',
  prose: '1',
};
const SIXTEEN: Codes = {
  plain: '',
  dim: '90',
  bold: '1',
  cursor: '30;46',
  selected: '7',
  changed: '1;33',
  verifier: '36',
  patch: '1;35',
  title: '36',
  focus: '1;33',
  source: '32',
  bad: '1;37;41',
  good: '32',
  key: '1;36',
  prose: '1;37',
};
const MANY: Codes = {
  ...SIXTEEN,
  dim: '38;5;244',
  cursor: '38;5;16;48;5;80',
  selected: '48;5;238',
  changed: '1;38;5;221',
  verifier: '38;5;110',
  patch: '1;38;5;213',
  title: '38;5;73',
  focus: '1;38;5;221',
  source: '38;5;151',
  bad: '1;38;5;231;48;5;160',
  good: '38;5;114',
  key: '1;38;5;80',
  prose: '1;38;5;230',
};

/** What the environment says of the terminal. */
export function terminalOf(env: Readonly<Record<string, string | undefined>>): Terminal {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  const term = env['TERM'] ?? '';
  const unicode = /utf-?8/i.test(locale) && term !== 'linux';
  if (env['NO_COLOR'] || term === 'dumb' || /^vt\d/.test(term)) return { colours: 0, unicode };
  const many = /256|direct|kitty|alacritty/.test(term) || /truecolor|24bit/.test(env['COLORTERM'] ?? '');
  return { colours: many ? 256 : 16, unicode };
}

const ASCII: Readonly<Record<string, string>> = {
  '▸': '>',
  '▌': '[',
  '▐': ']',
  '●': '*',
  '◉': '@',
  '…': '~',
  '→': '>',
  '·': '.',
  '✓': '+',
  '✗': '!',
  '×': 'x',
  '│': '|',
  '─': '-',
  '↑': '^',
  '↓': 'v',
};
/** Box drawing and arrows by ASCII's characters; others that it lacks by a question mark. */
const ascii = (text: string): string =>
  text.replace(/[^\x20-\x7e]/gu, (c) => ASCII[c] ?? (c >= '\u2500' && c <= '\u257f' ? '+' : '?'));

/** One line as it is sent. */
export function paintLine(l: Line, { colours, unicode }: Terminal): string {
  const codes = colours === 0 ? NONE : colours === 16 ? SIXTEEN : MANY;
  let out = '';
  for (const { text, style } of l) {
    const shown = unicode ? text : ascii(text);
    const code = codes[style];
    out += code === '' ? shown : `\x1b[${code}m${shown}\x1b[0m`;
  }
  return out;
}
