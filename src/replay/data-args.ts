/**
 * Arguments that are memory rather than a path: what a call reads or fills, and socket addresses
 * that strace decoded (`{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}`).
 */
import { createRequire } from 'node:module';

/** Loading node:net costs milliseconds: only what decodes an internet address pays for it. */
const net = (): typeof import('node:net') => createRequire(import.meta.url)('node:net') as typeof import('node:net');

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
      return net().isIPv4(address)
        ? Uint8Array.of(2, 0, port >> 8, port & 255, ...address.split('.').map(Number), ...new Array<number>(8).fill(0))
        : undefined;
    }
    case 'AF_INET6': {
      const address = field(/inet_pton\(AF_INET6, "([^"]+)"/) ?? '::';
      if (!net().isIPv6(address)) return undefined;
      const bytes = new Uint8Array(28);
      bytes.set([10, 0, port >> 8, port & 255]);
      bytes.set(ipv6(address), 8);
      return bytes;
    }
    case 'AF_UNIX': {
      const path = field(/sun_path=@?"([^"]*)"/) ?? '';
      return Uint8Array.from([1, 0, ...(text.includes('sun_path=@') ? [0] : []), ...Buffer.from(path), 0]);
    }
    default:
      return undefined;
  }
}

/** Sixteen bytes of an IPv6 address (RFC 4291 section 2.2). */
function ipv6(text: string): number[] {
  const [head = '', tail] = text.replace(/%.*/, '').split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').flatMap((g) => (g.includes('.') ? dotted(g) : [Number.parseInt(g, 16)]));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back];
  return all.slice(0, 8).flatMap((g) => [g >> 8, g & 255]);
}

function dotted(text: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = text.split('.').map(Number);
  return [(a << 8) | b, (c << 8) | d];
}
