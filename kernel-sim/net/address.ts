/** Addresses in their notations: IPv4 (RFC 791), IPv4 with a prefix (RFC 4632), MAC (IEEE 802). */
import { KernelError } from '../core/errno.ts';

export interface Ipv4Prefix {
  /** as four bytes in the network's order */
  readonly address: Uint8Array;
  /** bits of the network, 0 to 32 */
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

/** `10.0.0.2/24`; without a prefix the address alone. @throws KernelError EINVAL */
export function parsePrefix(text: string): Ipv4Prefix {
  const [address = '', prefix = '32', ...rest] = text.split('/');
  if (rest.length > 0 || !/^\d{1,2}$/.test(prefix) || Number(prefix) > 32)
    throw new KernelError('EINVAL', `'${text}' is no address with a prefix; one looks like 10.0.0.2/24`);
  return { address: parseIpv4(address), prefix: Number(prefix) };
}
/** Whether an address is in the network of a prefix. */
export function inNetwork({ address, prefix }: Ipv4Prefix, bytes: Uint8Array): boolean {
  const number = (b: Uint8Array): number =>
    (((b[0] ?? 0) << 24) | ((b[1] ?? 0) << 16) | ((b[2] ?? 0) << 8) | (b[3] ?? 0)) >>> 0;
  const mask = prefix === 0 ? 0 : (-1 << (32 - prefix)) >>> 0;
  return ((number(address) ^ number(bytes)) & mask) === 0;
}

/** @throws KernelError EINVAL for text that is no MAC address */
export function parseMac(text: string): Uint8Array {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new KernelError('EINVAL', `'${text}' is no MAC address; one looks like 02:00:00:00:00:02`);
  return Uint8Array.from(text.split(':'), (part) => Number.parseInt(part, 16));
}
