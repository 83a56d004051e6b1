/**
 * Fields of an event, read back from the text that its `print fmt` made of them (Linux 6.12
 * Documentation/trace/events.rst). What an expression of several fields printed is left out.
 */
import { allEventFormats } from '../../../kernel-sim/index.ts';
import { toHex } from '../../platform/index.ts';
import { socketAddress } from '../socket-address.ts';
import { cConstant } from './c-constant.ts';

/** Numbers in decimal, strings as they are, bytes in hexadecimal behind `bytes:`, a symbol with its offset as printed. */
export type PrintedFields = Readonly<Record<string, string>>;

/** What a printed text says of a field: its value, or the bits that it gives to it. */
interface Reading {
  readonly field: string;
  readonly value: (text: string) => bigint | string | undefined;
}
/** A conversion of the format. */
interface Part {
  /** what stands in front of it */
  readonly literal: string;
  /** what it prints; undefined: text up to what follows */
  readonly form: RegExp | undefined;
  readonly reading: Reading | undefined;
}
interface Printed {
  readonly parts: readonly Part[];
  readonly end: string;
}

const CONVERSION = /%(%|[-+ 0#]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|j|t|L)?([diuxXspc])([A-Za-z]*\d*[a-z]*)?)/g;
/** letters behind %p that are part of the conversion */
const POINTER = /^(?:[sSKfF]|I[46][a-zS]*|IS[pc]*|[dD]\d?|U[a-zA-Z]?|h[A-Z]*)/;

const printed = new Map<string, Printed | undefined>();

/** undefined for an event that Linux has not, null where the text is not as that event prints it. */
export function printedFields(event: string, text: string): PrintedFields | null | undefined {
  if (!printed.has(event)) printed.set(event, make(event));
  const form = printed.get(event);
  if (form === undefined) return undefined;
  const texts = taken(form, blanks(text));
  if (texts === undefined) return null;
  const bits = new Map<string, bigint>();
  const fields: Record<string, string> = {};
  for (const [n, { reading }] of form.parts.entries()) {
    const value = reading?.value((texts[n] as string).trim());
    if (reading === undefined || value === undefined) continue;
    if (typeof value === 'string') fields[reading.field] = value;
    else bits.set(reading.field, (bits.get(reading.field) ?? 0n) | value);
  }
  for (const [field, value] of bits) fields[field] = String(value);
  return fields;
}

function make(event: string): Printed | undefined {
  for (const events of allEventFormats().values()) {
    const text = events.get(event);
    const m = text === undefined ? null : /^print fmt: "((?:[^"\\]|\\.)*)"(?:, )?(.*)$/ms.exec(text);
    if (m) return printer(m[1] as string, split(m[2] as string, ','));
  }
  return undefined;
}

/** Runs of blanks are one: numbers may be padded. */
const blanks = (text: string): string => text.trim().replaceAll(/\s+/g, ' ');

/** What each conversion printed. A text ends where first what follows it begins: nothing is tried twice. */
function taken({ parts, end }: Printed, text: string): readonly string[] | undefined {
  const out: string[] = [];
  let at = 0;
  for (const [n, { literal, form }] of parts.entries()) {
    if (!text.startsWith(literal, at)) return undefined;
    at += literal.length;
    const next = parts[n + 1]?.literal ?? end;
    let to = n + 1 < parts.length ? text.indexOf(next || ' ', at) : text.length - end.length;
    if (form !== undefined) {
      form.lastIndex = at;
      to = form.test(text) ? form.lastIndex : -1;
    }
    if (to < at) return undefined;
    out.push(text.slice(at, to));
    at = to;
  }
  return text.slice(at) === end ? out : undefined;
}

/** The parts of a format, each with what its argument says of a field. */
function printer(text: string, args: readonly string[]): Printed {
  const format = blanks(text);
  const parts: Part[] = [];
  let literal = '';
  let at = 0;
  let arg = 0;
  for (const m of format.matchAll(CONVERSION)) {
    const [whole, spec = '', letter = '', behind = ''] = m;
    literal += format.slice(at, m.index);
    at = m.index + whole.length;
    if (spec === '%') {
      literal += '%';
      continue;
    }
    const extension = letter === 'p' ? (POINTER.exec(behind)?.[0] ?? '') : '';
    at -= behind.length - extension.length;
    arg += (spec.match(/\*/g) ?? []).length;
    parts.push({ literal, form: form(letter, extension), reading: reading(args[arg++] ?? '', letter, extension) });
    literal = '';
  }
  return { parts, end: literal + format.slice(at) };
}
function form(letter: string, extension: string): RegExp | undefined {
  if ('diu'.includes(letter)) return / ?-?\d+/y;
  if (letter === 'x' || letter === 'X') return / ?(?:0x)?[0-9a-f]+/iy;
  if (letter === 'c') return /./y;
  return letter === 'p' && extension === '' ? / ?(?:(?:0x)?[0-9a-f]+|\(\w+\))/iy : undefined;
}

function reading(expression: string, letter: string, extension: string): Reading | undefined {
  const text = bare(expression);
  const string = /^__get_(?:rel_)?str\((\w+)\)$/.exec(text);
  if (string) return { field: string[1] as string, value: (shown) => shown };
  const table = /^__print_(flags|symbolic)(?:_u64)?\((.*)\)$/s.exec(text);
  if (table) return named(split(table[2] as string, ','), table[1] === 'flags');
  const either = split(text, '?');
  if (either.length === 2) return chosen(either[0] as string, split(either[1] as string, ':'), letter, extension);
  const part = bitsOf(text);
  if (part === undefined) return undefined;
  const { field, shift, mask } = part;
  if (shift === 0n && mask === undefined)
    return {
      field,
      value: (shown) => (letter === 's' ? shown : (numberOf(shown, letter) ?? addressOf(shown, extension))),
    };
  return {
    field,
    value: (shown) => {
      const number = numberOf(shown, letter);
      return number === undefined ? undefined : (mask === undefined ? number : number & mask) << shift;
    },
  };
}

/** `A ? B : C`: what B prints of a field, or which of two texts stands for its bit. */
function chosen(
  condition: string,
  branches: readonly string[],
  letter: string,
  extension: string,
): Reading | undefined {
  const [then = '', otherwise = ''] = branches;
  const literal = (branch: string): string | undefined => /^"([^"]*)"$/.exec(bare(branch))?.[1];
  const yes = literal(then);
  if (yes === undefined) {
    const inner = reading(then, letter, extension);
    const none = literal(otherwise);
    return inner && { field: inner.field, value: (shown) => (shown === none ? 0n : inner.value(shown)) };
  }
  const part = bitsOf(bare(condition).replace(/\s*(?:!=|>)\s*0$/, ''));
  if (part === undefined || literal(otherwise) === undefined) return undefined;
  const bit = (part.mask ?? 1n) << part.shift;
  return { field: part.field, value: (shown) => (shown === yes ? bit : 0n) };
}

/** `__print_flags(E, "|", {bits, "NAME"} …)`, `__print_symbolic(E, {value, "NAME"} …)` */
function named([of = '', ...rest]: readonly string[], areFlags: boolean): Reading | undefined {
  const part = bitsOf(bare(of));
  if (part === undefined) return undefined;
  const names = new Map<string, bigint>();
  for (const row of areFlags ? rest.slice(1) : rest) {
    const m = /^\{(.*),\s*"([^"]*)"\s*\}$/s.exec(row.trim());
    const value = m ? cConstant(m[1] as string) : undefined;
    if (m && value !== undefined) names.set(m[2] as string, value);
  }
  const one = (name: string): bigint | undefined =>
    names.get(name) ?? (/^(0x[0-9a-f]+|\d+)$/i.test(name) ? BigInt(name) : undefined);
  const value = (shown: string): bigint | undefined => {
    if (!areFlags) return one(shown);
    const between = /^"(.*)"$/s.exec((rest[0] ?? '').trim())?.[1] || '|';
    return shown.split(between).reduce((sum, name) => sum | (one(name.trim()) ?? 0n), 0n);
  };
  return { field: part.field, value: (shown) => (value(shown) ?? 0n) << part.shift };
}

interface Bits {
  readonly field: string;
  /** printed are the bits from here on */
  readonly shift: bigint;
  readonly mask: bigint | undefined;
}
/** `REC->dev`, `REC->dev >> 20`, `REC->dev & ((1U << 20) - 1)` */
function bitsOf(text: string): Bits | undefined {
  const m = /^(.*?)\s*(>>|&)\s*([^&>]+)$/s.exec(text);
  const field = /^REC->(\w+)$/.exec(bare(m ? (m[1] as string) : text))?.[1];
  if (field === undefined) return undefined;
  if (!m) return { field, shift: 0n, mask: undefined };
  const number = cConstant(m[3] as string);
  if (number === undefined) return undefined;
  return m[2] === '>>' ? { field, shift: number, mask: undefined } : { field, shift: 0n, mask: number };
}

function numberOf(shown: string, letter: string): bigint | undefined {
  if (letter === 'c') return BigInt(shown.charCodeAt(0) || 0);
  if (/^-?\d+$/.test(shown) && 'diu'.includes(letter)) return BigInt(shown);
  return /^(0x)?[0-9a-f]+$/i.test(shown) ? BigInt(`0x${shown.replace(/^0x/i, '')}`) : undefined;
}
/** What %pI4, %pI6c and %pISpc print, in bytes; a symbol stays as it is. */
function addressOf(shown: string, extension: string): string | undefined {
  if (!extension.startsWith('I')) return shown === '' ? undefined : shown;
  const [, six, four, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(shown) ?? [undefined, shown];
  const address = six ?? four ?? '';
  const bytes = socketAddress({
    family: address.includes(':') ? 'AF_INET6' : 'AF_INET',
    address,
    port: Number(port ?? 0),
  });
  if (bytes === undefined) return undefined;
  const from = extension.startsWith('IS') ? 0 : address.includes(':') ? 8 : 4;
  const to = extension.startsWith('IS') ? bytes.length : address.includes(':') ? 24 : 8;
  return `bytes:${toHex(bytes.subarray(from, to))}`;
}

/** Without parentheses around all of it and without casts in front. */
function bare(text: string): string {
  let out = text.trim();
  for (;;) {
    const inside = out.startsWith('(') && closing(out) === out.length - 1 ? out.slice(1, -1) : out;
    const next = inside
      .trim()
      .replace(/^\(\s*(?:const |unsigned |struct )*\w+(?: long| int)*\s*\**\s*\)(?=\s*[\w(])/, '')
      .trim();
    if (next === out) return out;
    out = next;
  }
}
/** Where the first parenthesis closes. */
function closing(text: string): number {
  let depth = 0;
  for (let n = 0; n < text.length; n++) {
    if (text[n] === '(') depth++;
    else if (text[n] === ')' && --depth === 0) return n;
  }
  return -1;
}
/** At a sign that is in no parentheses, braces or strings. */
function split(text: string, sign: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let n = 0; n < text.length; n++) {
    const c = text[n] as string;
    if (c === '"') {
      for (n++; n < text.length && text[n] !== '"'; n++) if (text[n] === '\\') n++;
    } else if ('({['.includes(c)) depth++;
    else if (')}]'.includes(c)) depth--;
    else if (c === sign && depth === 0) {
      parts.push(text.slice(from, n));
      from = n + 1;
    }
  }
  parts.push(text.slice(from));
  return parts.map((part) => part.trim()).filter((part, n) => part !== '' || n > 0);
}
