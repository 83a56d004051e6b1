/**
 * SYN cookies (RFC 4987, 3.6): bpf-helpers(7), bpf_tcp_raw_gen_syncookie_ipv4 and its kin. A cookie is the first sequence number of
 * a connection of which nothing is remembered: the largest segment's place in a table and a time of minutes, hidden by two
 * hashes of the addresses with secrets of this boot.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { IPPROTO, TCP } from '../../../../src/uapi/socket.ts';
import { ERRNO } from '../../../core/errno.ts';
import { GuestStruct } from '../../../core/guest-struct.ts';
import { TCP_FLAG } from '../../../net/inet.ts';
import type { HelperBodies, HelperBody, HelperCall } from './call.ts';

const TCP_HLEN = 20;
const MASK = 0xff_ffff;
/** a cookie is good for so many minutes */
const MAX_AGE = 2;
const MINUTE = 60e9;
/** TCP_MSS_DEFAULT */
const MSS_DEFAULT = 536;
/** sizes that a cookie can tell */
const SIZES = { 4: [536, 1300, 1440, 1460], 6: [1220, 1420, 1480, 8940] } as const;
type Version = keyof typeof SIZES;
/** where the two addresses are in the header, and their length */
const ADDRESSES = { 4: [12, 8], 6: [8, 32] } as const;

interface Segment {
  readonly version: Version;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  /** what is hashed: addresses and ports */
  readonly flow: Uint8Array;
}

function segment(call: HelperCall, version: Version, ip: Addr, tcp: Addr): Segment {
  const { memory } = call.kernel;
  const [at, length] = ADDRESSES[version];
  const header = memory.readBytes(tcp, TCP_HLEN);
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const flow = new Uint8Array(length + 4);
  flow.set(memory.readBytes(ip + at, length));
  flow.set(header.subarray(0, 4), length);
  return { version, seq: view.getUint32(4), ack: view.getUint32(8), flags: header[13] as number, flow };
}
/** A keyed hash, u32. */
function hash(call: HelperCall, { flow }: Segment, count: number, which: 0 | 1): number {
  let h = (call.syncookieSecrets()[which] as number) ^ Math.imul(count, 0x9e37_79b1);
  for (const byte of flow) h = Math.imul(h ^ byte, 0x0100_0193) ^ (h >>> 15);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
/** `tcp_cookie_time` */
const minutes = ({ kernel }: HelperCall): number => Math.floor(kernel.clock.now / MINUTE);

function generate(call: HelperCall, s: Segment, mss: number): { readonly cookie: number; readonly mss: number } {
  const sizes = SIZES[s.version];
  let index = sizes.length - 1;
  while (index > 0 && mss < (sizes[index] as number)) index--;
  const count = minutes(call);
  const data = (hash(call, s, count, 1) + index) & MASK;
  return { cookie: (hash(call, s, 0, 0) + s.seq + count * 0x100_0000 + data) >>> 0, mss: sizes[index] as number };
}
/** The size that a cookie tells; 0 where it is none of this flow, or too old. */
function check(call: HelperCall, s: Segment): number {
  const cookie = ((s.ack - 1) >>> 0) - (hash(call, s, 0, 0) + ((s.seq - 1) >>> 0));
  const count = minutes(call);
  const age = (count - (cookie >>> 24)) & 0xff;
  if (age >= MAX_AGE) return 0;
  return SIZES[s.version][(cookie - hash(call, s, count - age, 1)) & MASK] ?? 0;
}

/** `tcp_parse_mss_option`; 0 where the header has none */
function segmentSize(call: HelperCall, tcp: Addr, length: number): number {
  const options = call.kernel.memory.readBytes(tcp + TCP_HLEN, length - TCP_HLEN);
  for (let at = 0; at < options.length; ) {
    const kind = options[at] as number;
    if (kind === 0) break;
    const size = kind === 1 ? 1 : (options[at + 1] ?? 0);
    if (kind !== 1 && size < 2) break;
    if (kind === 2 && size === 4) return ((options[at + 2] ?? 0) << 8) | (options[at + 3] ?? 0);
    at += size;
  }
  return 0;
}
const headerLength = (call: HelperCall, tcp: Addr): number => (call.kernel.memory.readU8(tcp + 12) >> 4) * 4;

const rawGenerate =
  (version: Version): HelperBody =>
  (call) => {
    const { args } = call;
    const [tcp, length] = [args.addr(1), args.u32(2)];
    if (length < TCP_HLEN || length !== headerLength(call, tcp)) return args.retInt(-ERRNO.EINVAL);
    // of IPv6, what the least packet carries
    const least = version === 4 ? MSS_DEFAULT : 1280 - TCP_HLEN - 40;
    const { cookie, mss } = generate(
      call,
      segment(call, version, args.addr(0), tcp),
      segmentSize(call, tcp, length) || least,
    );
    args.ret(cookie | 0, mss);
  };
const rawCheck =
  (version: Version): HelperBody =>
  (call) => {
    const { args } = call;
    args.retInt(check(call, segment(call, version, args.addr(0), args.addr(1))) > 0 ? 0 : -ERRNO.EACCES);
  };

const isListener = (sk: GuestStruct): boolean =>
  sk.get('sk_protocol') === IPPROTO.TCP && sk.get('__sk_common.skc_state') === TCP.LISTEN;
const versionOf = (call: HelperCall, ip: Addr, length: number): Version | undefined => {
  const version = call.kernel.memory.readU8(ip) >> 4;
  return version === 4 || (version === 6 && length >= 40) ? (version as Version) : undefined;
};

/** A listener of its own accord sends cookies only when its queue is full, and queues of the model never are. */
const generateFor: HelperBody = (call) => {
  const { args, kernel } = call;
  const [sk, ipLength, tcp, length] = [args.addr(0), args.u32(2), args.addr(3), args.u32(4)];
  const bad = sk === 0 || length < TCP_HLEN || length !== headerLength(call, tcp);
  if (bad || !isListener(new GuestStruct(kernel, 'sock', sk))) return args.retInt(-ERRNO.EINVAL);
  const flags = kernel.memory.readU8(tcp + 13);
  const isSyn = flags & TCP_FLAG.SYN && !(flags & (TCP_FLAG.ACK | TCP_FLAG.FIN | TCP_FLAG.RST));
  if (!isSyn || ipLength < TCP_HLEN) return args.retInt(-ERRNO.EINVAL);
  args.retInt(versionOf(call, args.addr(1), ipLength) === undefined ? -ERRNO.EPROTONOSUPPORT : -ERRNO.ENOENT);
};
/** Nor has it sent any lately: an acknowledgement carries none of its. */
const checkFor: HelperBody = (call) => {
  const { args, kernel } = call;
  const [sk, ipLength, tcp, length] = [args.addr(0), args.u32(2), args.addr(3), args.u32(4)];
  if (sk === 0 || length < TCP_HLEN || !isListener(new GuestStruct(kernel, 'sock', sk)))
    return args.retInt(-ERRNO.EINVAL);
  const flags = kernel.memory.readU8(tcp + 13);
  const isAck = (flags & (TCP_FLAG.ACK | TCP_FLAG.RST | TCP_FLAG.SYN)) === TCP_FLAG.ACK;
  args.retInt(isAck && ipLength < TCP_HLEN ? -ERRNO.EINVAL : -ERRNO.ENOENT);
};

export const SYNCOOKIE: HelperBodies = {
  bpf_tcp_raw_gen_syncookie_ipv4: rawGenerate(4),
  bpf_tcp_raw_gen_syncookie_ipv6: rawGenerate(6),
  bpf_tcp_raw_check_syncookie_ipv4: rawCheck(4),
  bpf_tcp_raw_check_syncookie_ipv6: rawCheck(6),
  bpf_tcp_gen_syncookie: generateFor,
  bpf_tcp_check_syncookie: checkFor,
};
