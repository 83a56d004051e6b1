/** Socket addresses that strace decoded: `{sa_family=AF.INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")}`. */
import { encodeUtf8 } from '../../platform/index.ts';
import { AF } from '../../uapi/socket.ts';

/** `struct sockaddr_in`, `_in6`, `_un` (linux/in.h, in6.h, un.h); undefined for text that is none. */
export function sockaddr(text: string): Uint8Array | undefined {
  const field = (name: RegExp): string | undefined => name.exec(text)?.[1];
  const port = Number(field(/sin6?_port=htons\((\d+)\)/) ?? 0);
  switch (field(/sa_family=(AF_\w+)/)) {
    case 'AF_INET': {
      const address = ipv4(field(/inet_addr\("([^"]+)"\)/) ?? '0.0.0.0');
      return address && Uint8Array.of(AF.INET, 0, port >> 8, port & 255, ...address, ...new Array<number>(8).fill(0));
    }
    case 'AF_INET6': {
      const address = ipv6(field(/inet_pton\(AF.INET6, "([^"]+)"/) ?? '::');
      if (!address) return undefined;
      const bytes = new Uint8Array(28);
      bytes.set([AF.INET6, 0, port >> 8, port & 255]);
      bytes.set(address, 8);
      return bytes;
    }
    case 'AF_UNIX': {
      const path = field(/sun_path=@?"([^"]*)"/) ?? '';
      return Uint8Array.from([AF.UNIX, 0, ...(text.includes('sun_path=@') ? [0] : []), ...encodeUtf8(path), 0]);
    }
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
