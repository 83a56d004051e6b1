/** Format strings as bpf_bprintf_prepare() of kernel/bpf/helpers.c takes them. */
const isPrintable = (c: number): boolean => (c >= 32 && c < 127) || (c >= 9 && c <= 13);

/** flags and a width, which mean nothing to the check */
const field = '[0+ -]*(?:[1-9][0-9]*)?';
/** what a pointer or string may be followed by: the end, a blank, or punctuation */
const delimiter = '(?=$|[^A-Za-z0-9])';
const pointer = `p(?:${delimiter}|[ku]s${delimiter}|[KxsSB]|[iI][46])`;
const directive = new RegExp(`^${field}(?:${pointer}|s${delimiter}|c|l{0,2}[iduxX])`);

/** Arguments that a format needs; undefined where it is not allowed. */
export function formatArguments(text: string): number | undefined {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    if (!isPrintable(text.charCodeAt(at))) return undefined;
    if (text[at] !== '%') continue;
    if (text[at + 1] === '%') {
      at++;
      continue;
    }
    const found = directive.exec(text.slice(at + 1));
    if (!found) return undefined;
    at += found[0].length;
    count++;
  }
  return count;
}
