/** Encodings in plain JavaScript, for hosts that have no faster way. */

/** Arguments that a call takes on every engine. */
const SPREAD = 4096;

/** Text of bytes, each a character (ISO 8859-1). */
export function latin1Text(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let at = from; at < to; at += SPREAD)
    text += String.fromCharCode(...bytes.subarray(at, Math.min(to, at + SPREAD)));
  return text;
}

/** The low byte of each UTF-16 unit. */
export function latin1Bytes(text: string): Uint8Array {
  const out = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n++) out[n] = text.charCodeAt(n);
  return out;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 section 4, padding or not. */
export function base64Bytes(text: string): Uint8Array {
  const values = new Uint8Array(128);
  for (let n = 0; n < DIGITS.length; n++) values[DIGITS.charCodeAt(n)] = n;
  let length = text.length;
  while (text[length - 1] === '=') length--;
  const out = new Uint8Array(Math.floor((length * 3) / 4));
  let at = 0;
  let bits = 0;
  let held = 0;
  for (let n = 0; n < length; n++) {
    held = ((held << 6) | (values[text.charCodeAt(n)] as number)) & 0xffffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out[at++] = held >> bits;
    }
  }
  return out;
}

const REPLACEMENT = 0xfffd;

/** A lone surrogate is written as U+FFFD (WHATWG Encoding, "UTF-8 encoder" over scalar values). */
export function utf8Bytes(text: string): Uint8Array {
  const out: number[] = [];
  for (const character of text) {
    let c = character.codePointAt(0) as number;
    if (c >= 0xd800 && c <= 0xdfff) c = REPLACEMENT;
    if (c < 0x80) out.push(c);
    else if (c < 0x800) out.push(0xc0 | (c >> 6), 0x80 | (c & 63));
    else if (c < 0x10000) out.push(0xe0 | (c >> 12), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
    else out.push(0xf0 | (c >> 18), 0x80 | ((c >> 12) & 63), 0x80 | ((c >> 6) & 63), 0x80 | (c & 63));
  }
  return Uint8Array.from(out);
}

/** WHATWG Encoding, "UTF-8 decoder": each maximal part of a malformed sequence becomes one U+FFFD. */
export function utf8Text(bytes: Uint8Array): string {
  let text = '';
  let code = 0;
  let needed = 0;
  let lower = 0x80;
  let upper = 0xbf;
  for (let n = 0; n < bytes.length; n++) {
    const byte = bytes[n] as number;
    if (needed === 0) {
      if (byte < 0x80) text += String.fromCharCode(byte);
      else if (byte >= 0xc2 && byte <= 0xdf) [needed, code] = [1, byte & 0x1f];
      else if (byte >= 0xe0 && byte <= 0xef) {
        if (byte === 0xe0) lower = 0xa0;
        if (byte === 0xed) upper = 0x9f;
        [needed, code] = [2, byte & 0xf];
      } else if (byte >= 0xf0 && byte <= 0xf4) {
        if (byte === 0xf0) lower = 0x90;
        if (byte === 0xf4) upper = 0x8f;
        [needed, code] = [3, byte & 7];
      } else text += '\ufffd';
      continue;
    }
    const continues = byte >= lower && byte <= upper;
    [lower, upper] = [0x80, 0xbf];
    if (!continues) {
      text += '\ufffd';
      needed = 0;
      n--;
      continue;
    }
    code = (code << 6) | (byte & 63);
    if (--needed === 0) text += String.fromCodePoint(code);
  }
  return needed > 0 ? `${text}\ufffd` : text;
}
