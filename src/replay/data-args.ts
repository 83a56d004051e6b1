/**
 * Arguments that are memory rather than a path: what a call reads or fills, and socket addresses
 * that strace decoded (`{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}`).
 */
import { encodeUtf8 } from '../platform/index.ts';

/** Calls and their arguments (from 0) that hold data. Other strings are NUL-terminated. */
const DATA: Readonly<Record<string, number>> = {
  read: 1,
  write: 1,
  pread64: 1,
  pwrite64: 1,
  recvfrom: 1,
  sendto: 1,
  getrandom: 0,
  readlink: 1,
  readlinkat: 2,
};

export const isData = (call: string, index: number): boolean => DATA[call] === index;

/** `struct sockaddr_in`, `_in6`, `_un` (linux/in.h, in6.h, un.h); undefined for text that is none. */
export function sockaddr(text: string): Uint8Array | undefined {
  const field = (name: RegExp): string | undefined => name.exec(text)?.[1];
  const port = Number(field(/sin6?_port=htons\((\d+)\)/) ?? 0);
  switch (field(/sa_family=(AF_\w+)/)) {
    case 'AF_INET': {
      const address = field(/inet_addr\("([^"]+)"\)/) ?? '0.0.0.0';
      const bytes = ipv4(address);
      return bytes && Uint8Array.of(2, 0, port >> 8, port & 255, ...bytes, ...new Array<number>(8).fill(0));
    }
    case 'AF_INET6': {
      const address = field(/inet_pton\(AF_INET6, "([^"]+)"/) ?? '::';
      const in6 = ipv6(address);
      if (!in6) return undefined;
      const bytes = new Uint8Array(28);
      bytes.set([10, 0, port >> 8, port & 255]);
      bytes.set(in6, 8);
      return bytes;
    }
    case 'AF_UNIX': {
      const path = field(/sun_path=@?"([^"]*)"/) ?? '';
      return Uint8Array.from([1, 0, ...(text.includes('sun_path=@') ? [0] : []), ...encodeUtf8(path), 0]);
    }
    default:
      return undefined;
  }
}

/** Four bytes of a dotted address; undefined for what is none. */
function ipv4(text: string): number[] | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

/** Sixteen bytes of an IPv6 address (RFC 4291 section 2.2), a zone behind it left out; undefined for what is none. */
function ipv6(text: string): number[] | undefined {
  const parts = text.replace(/%[\w.-]+$/, '').split('::');
  if (parts.length > 2) return undefined;
  const [front, back] = parts.map((part, n) => groups(part, n === parts.length - 1));
  if (!front || (parts.length === 2 && !back)) return undefined;
  const zeros = 16 - front.length - (back?.length ?? 0);
  // `::` stands for one group at least
  if (back ? zeros < 2 : zeros !== 0) return undefined;
  return [...front, ...new Array<number>(zeros).fill(0), ...(back ?? [])];
}

/** Bytes of groups between colons; the last may be a dotted IPv4 address. */
function groups(part: string, last: boolean): number[] | undefined {
  if (part === '') return [];
  const texts = part.split(':');
  const out: number[] = [];
  for (const [n, text] of texts.entries()) {
    const dotted = last && n === texts.length - 1 ? ipv4(text) : undefined;
    if (dotted) out.push(...dotted);
    else if (/^[0-9a-fA-F]{1,4}$/.test(text)) {
      const value = Number.parseInt(text, 16);
      out.push(value >> 8, value & 255);
    } else return undefined;
  }
  return out;
}
