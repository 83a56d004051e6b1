/** Format strings as bpf_bprintf_prepare() takes them: how many arguments one needs. */
const directive =
  /^(%|[0-9-]*(?:l{0,2}|z|h{0,2})(?:[diuxX])|[0-9-]*(?:c|s|p(?:[ksSbBxf]|us|ks|[iI][46])?)|ps|pS|pB|px|pK)/;

/** Arguments needed; undefined where the format is not allowed. */
export function formatArguments(text: string): number | undefined {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 126 || (code < 32 && !(code >= 9 && code <= 13))) return undefined;
    if (text[at] !== '%') continue;
    const found = directive.exec(text.slice(at + 1));
    if (!found) return undefined;
    at += found[0].length;
    if (found[0] !== '%') count++;
  }
  return count <= 12 ? count : undefined;
}
