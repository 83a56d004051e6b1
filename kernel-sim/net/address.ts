/** Addresses in their notations: IPv4 (RFC 791), IPv6 (RFC 4291 section 2.2), with a prefix (RFC 4632), MAC (IEEE 802). */
import { KernelError } from '../core/errno.ts';

export interface IpPrefix {
  /** as four or sixteen bytes in the network's order */
  readonly address: Uint8Array;
  /** bits of the network, 0 to 32 or 128 */
  readonly prefix: number;
}

/** @throws KernelError EINVAL for text that is no address */
export function parseIpv4(text: string): Uint8Array {
  const parts = text.split('.');
  const bytes = parts.map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (bytes.length !== 4 || bytes.some((byte) => byte > 255))
    throw new KernelError('EINVAL', `'${text}' is no IPv4 address; one looks like 10.0.0.2`);
  return Uint8Array.from(bytes);
}
/** @throws KernelError EINVAL for text that is no address */
export function parseIpv6(text: string): Uint8Array {
  const wrong = (): never => {
    throw new KernelError('EINVAL', `'${text}' is no IPv6 address; one looks like fd00::2`);
  };
  const halves = text.split('::');
  if (halves.length > 2) wrong();
  const words = (half: string): number[] =>
    half === ''
      ? []
      : half.split(':').map((word) => (/^[0-9a-f]{1,4}$/i.test(word) ? Number.parseInt(word, 16) : wrong()));
  const [front = [], back = []] = halves.map(words);
  const missing = 8 - front.length - back.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) wrong();
  const all = [...front, ...new Array<number>(missing).fill(0), ...back];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

/** `10.0.0.2/24`, `fd00::2/64`; without a prefix the address alone. @throws KernelError EINVAL */
export function parsePrefix(text: string): IpPrefix {
  const [spelled = '', given, ...rest] = text.split('/');
  const six = spelled.includes(':');
  const most = six ? 128 : 32;
  const prefix = given ?? String(most);
  if (rest.length > 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > most)
    throw new KernelError('EINVAL', `'${text}' is no address with a prefix; one looks like 10.0.0.2/24 or fd00::2/64`);
  return { address: six ? parseIpv6(spelled) : parseIpv4(spelled), prefix: Number(prefix) };
}
/** Whether an address is in the network of a prefix. */
export function inNetwork({ address, prefix }: IpPrefix, bytes: Uint8Array): boolean {
  if (address.length !== bytes.length) return false;
  return address.every((byte, n) => {
    const bits = Math.min(8, Math.max(0, prefix - 8 * n));
    const mask = (0xff << (8 - bits)) & 0xff;
    return ((byte ^ (bytes[n] as number)) & mask) === 0;
  });
}

/** @throws KernelError EINVAL for text that is no MAC address */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new KernelError('EINVAL', `'${text}' is no MAC address; one looks like 02:00:00:00:00:02`);
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}
