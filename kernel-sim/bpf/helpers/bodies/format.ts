/**
 * Format strings of bpf_trace_printk and its kin: what `bpf_bprintf_prepare` accepts (bpf-helpers(7), bpf_trace_printk,
 * bpf_snprintf; Linux 6.12 Documentation/core-api/printk-formats.rst). {@link FormatPrinter} prints what is read here.
 */
import { decodeLatin1 } from '../../../../src/platform/index.ts';

/** A conversion, or the text between two. All have all fields, so that printing meets one shape of object. */
export interface Conversion {
  readonly kind: 'text' | 'string' | 'char' | 'integer' | 'pointer' | 'address' | 'symbol' | 'ipv4' | 'ipv6';
  /** of kind 'text' */
  readonly text: Uint8Array;
  readonly minus: boolean;
  readonly zero: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly width: number;
  /** 'integer': 64 bits rather than 32; 'ipv4', 'ipv6': the form of %pi */
  readonly long: boolean;
  /** 'integer': the letter; 'string': whose memory (k, u, s for either); 'symbol': s, S or B */
  readonly letter: string;
}

/** FIELD_WIDTH_MAX */
const MAX_WIDTH = (1 << 23) - 1;

const isSpace = (c: string | undefined): boolean => c !== undefined && /[\t-\r ]/.test(c);
const isPunct = (c: string | undefined): boolean => c !== undefined && /[!-/:-@[-`{-~]/.test(c);
const endsSpec = (c: string | undefined): boolean => c === undefined || isSpace(c) || isPunct(c);

/** isprint() and isspace() of the kernel are Latin-1's. */
const PRINTABLE = /^[\t-\r -~\xa0-\xff]*$/;

const PLAIN = { minus: false, zero: false, plus: false, space: false, width: 0, long: false, letter: '' };
const NO_TEXT = new Uint8Array(0);

/** What a format says, or undefined where it is refused (EINVAL). `bytes` without its end. */
export function parseFormat(bytes: Uint8Array): readonly Conversion[] | undefined {
  const fmt = decodeLatin1(bytes);
  if (!PRINTABLE.test(fmt)) return undefined;
  const out: Conversion[] = [];
  const text = (from: number, to: number): void => {
    if (to > from) out.push({ kind: 'text', text: Uint8Array.from(bytes.subarray(from, to)), ...PLAIN });
  };
  for (let i = 0; i < fmt.length; i++) {
    const plain = fmt.indexOf('%', i);
    text(i, plain < 0 ? fmt.length : plain);
    if (plain < 0) break;
    i = plain + 1;
    if (fmt[i] === '%') {
      text(i, i + 1);
      continue;
    }
    const flagsAt = i;
    while ('0+- '.includes(fmt[i] ?? 'x')) i++;
    const flags = fmt.slice(flagsAt, i);
    const widthAt = i;
    if (/[1-9]/.test(fmt[i] ?? '')) while (/[0-9]/.test(fmt[i] ?? '')) i++;
    const add = (kind: Conversion['kind'], letter: string, long = false): void => {
      out.push({
        kind,
        text: NO_TEXT,
        minus: flags.includes('-'),
        zero: flags.includes('0'),
        plus: flags.includes('+'),
        space: flags.includes(' '),
        width: Math.min(MAX_WIDTH, Number(fmt.slice(widthAt, i) || 0)),
        long,
        letter,
      });
    };
    const width = i;
    if (fmt[i] === 'p') {
      const next = fmt[i + 1];
      if ((next === 'k' || next === 'u') && fmt[i + 2] === 's') {
        if (!endsSpec(fmt[i + 3])) return undefined;
        add('string', next);
        i += 2;
      } else if (endsSpec(next) || next === 'K' || next === 'x' || next === 's' || next === 'S' || next === 'B') {
        if (next === 's' || next === 'S' || next === 'B') add('symbol', next);
        else add(next === 'x' ? 'address' : 'pointer', '');
        if (!endsSpec(next)) i++;
        i = skipSuffix(fmt, i);
      } else {
        const family = fmt[i + 2];
        if ((next !== 'i' && next !== 'I') || (family !== '4' && family !== '6')) return undefined;
        add(family === '4' ? 'ipv4' : 'ipv6', '', next === 'i');
        i = skipSuffix(fmt, i + 2);
      }
      continue;
    }
    if (fmt[i] === 's') {
      if (!endsSpec(fmt[i + 1])) return undefined;
      add('string', 's');
    } else if (fmt[i] === 'c') add('char', '');
    else {
      let l = 0;
      while (l < 2 && fmt[width + l] === 'l') l++;
      const letter = fmt[width + l];
      if (letter === undefined || !'iduxX'.includes(letter)) return undefined;
      add('integer', letter, l > 0);
      i += l;
    }
  }
  return out;
}

/** Letters and digits behind a pointer conversion belong to it, whether or not they mean anything. */
function skipSuffix(fmt: string, at: number): number {
  while (/[0-9A-Za-z]/.test(fmt[at + 1] ?? '')) at++;
  return at;
}
