/** Structures as strace decodes them, `{rlim_cur=8192*1024, rlim_max=1024}`: fields by name (strace(1), "The trace output format"). */

const OPEN = '{[("';
const [COMMA, CLOSE] = [',', '}])'];

/** The text of a field, at any depth; undefined where there is none of that name. */
export function fieldText(text: string, name: string): string | undefined {
  let at = text.indexOf(`${name}=`);
  // a name that ends as this one does is another
  while (at > 0 && /\w/.test(text[at - 1] as string)) at = text.indexOf(`${name}=`, at + 1);
  if (at < 0) return undefined;
  const from = at + name.length + 1;
  let depth = 0;
  let quoted = false;
  for (let n = from; n < text.length; n++) {
    const c = text[n] as string;
    if (quoted) {
      if (c === '\\') n++;
      else if (c === '"') quoted = false;
      continue;
    }
    if (c === '"') quoted = true;
    else if (OPEN.includes(c)) depth++;
    else if (CLOSE.includes(c) && --depth < 0) return text.slice(from, n);
    else if (c === COMMA && depth === 0) return text.slice(from, n);
  }
  return text.slice(from);
}

/** Every value of a field that is there more than once: `iov_len` of each part of a message. */
export function fieldTexts(text: string, name: string): string[] {
  const out: string[] = [];
  for (let rest = text; ; ) {
    const at = rest.search(new RegExp(`\\b${name}=`));
    if (at < 0) return out;
    rest = rest.slice(at);
    const value = fieldText(rest, name);
    if (value !== undefined) out.push(value);
    rest = rest.slice(name.length + 1);
  }
}

/** no number of a structure is larger */
const LARGEST = 2 ** 64;

/** A number: `20`, `0x14`, `0644`, `8192*1024`; undefined where the text is none, or no structure can have it. */
export function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const product = text.split('*').map((part) => {
    const digits = /^-?(0x[0-9a-f]+|\d+)/i.exec(part.trim())?.[0];
    if (digits === undefined) return Number.NaN;
    return /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  });
  const value = product.reduce((a, b) => a * b, 1);
  return Math.abs(value) <= LARGEST ? value : undefined;
}

/** A quoted string, its escapes as they are in C. */
export function stringOf(text: string | undefined): string | undefined {
  const quoted = text === undefined ? null : /^"((?:[^"\\]|\\.)*)"/.exec(text);
  return quoted === null
    ? undefined
    : (quoted[1] as string).replace(/\\(x[0-9a-f]{2}|[0-7]{1,3}|.)/gi, (_, e: string) => {
        if (/^x/i.test(e)) return String.fromCharCode(Number.parseInt(e.slice(1), 16));
        if (/^[0-7]/.test(e)) return String.fromCharCode(Number.parseInt(e, 8) & 0xff);
        return ({ n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' } as Readonly<Record<string, string>>)[e] ?? e;
      });
}
