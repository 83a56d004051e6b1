/** Socket addresses as user space hands them to the kernel (linux/in.h, in6.h, un.h). */
import { encodeUtf8 } from '../platform/index.ts';
import { AF } from '../uapi/socket.ts';

/** What a socket address says: `family` decides which of the others count. */
export interface SocketAddress {
  readonly family: string;
  /** AF_INET, AF_INET6; default: the one of all addresses */
  readonly address?: string;
  readonly port?: number;
  /** AF_UNIX; an abstract name begins with NUL */
  readonly path?: string;
}

/** Bytes of `struct sockaddr_in`, `_in6` or `_un`; undefined for an address that is none, or another family. */
export function socketAddress({ family, address, port = 0, path = '' }: SocketAddress): Uint8Array | undefined {
  const at = [port >> 8, port & 255];
  switch (family) {
    case 'AF_INET': {
      const four = ipv4(address ?? '0.0.0.0');
      return four && Uint8Array.of(AF.INET, 0, ...at, ...four, ...new Array<number>(8).fill(0));
    }
    case 'AF_INET6': {
      const sixteen = ipv6(address ?? '::');
      if (!sixteen) return undefined;
      const bytes = new Uint8Array(28);
      bytes.set([AF.INET6, 0, ...at]);
      bytes.set(sixteen, 8);
      return bytes;
    }
    case 'AF_UNIX':
      return Uint8Array.from([AF.UNIX, 0, ...encodeUtf8(path), 0]);
    default:
      return undefined;
  }
}

/** The longest text of an IPv6 address (RFC 4291 section 2.2) with an interface's name behind it. */
const LONGEST = 46 + 17;

/** Sixteen bytes of an IPv6 address (RFC 4291 section 2.2); undefined for what is none. */
function ipv6(text: string): number[] | undefined {
  if (text.length > LONGEST) return undefined;
  const halves = text.replace(/%.*/, '').split('::');
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map((half) => groups(half));
  if (!front || (halves.length === 2 && !back)) return undefined;
  const missing = 16 - front.length - (back?.length ?? 0);
  if (back ? missing < 0 : missing !== 0) return undefined;
  return [...front, ...new Array<number>(missing).fill(0), ...(back ?? [])];
}

/** Bytes of groups of four hexadecimal digits, the last perhaps an IPv4 address. */
function groups(text: string): number[] | undefined {
  const bytes: number[] = [];
  if (text === '') return bytes;
  for (const group of text.split(':')) {
    const four = group.includes('.') ? ipv4(group) : undefined;
    if (four) bytes.push(...four);
    else if (/^[0-9a-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes;
}

function ipv4(text: string): number[] | undefined {
  const bytes = /^\d{1,3}(\.\d{1,3}){3}$/.test(text) ? text.split('.').map(Number) : [];
  return bytes.length === 4 && bytes.every((b) => b < 256) ? bytes : undefined;
}
