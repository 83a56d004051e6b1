/** A segment's header: as it is written, with the options that Linux sends, and as it is read (RFC 9293 section 3.1, RFC 7323). */

import { IPPROTO } from '../../../src/uapi/socket.ts';
import type { Flow } from '../inet.ts';
import { get16, pseudoSum, put16, put32, TCP_FLAG, TCP_HLEN } from '../inet.ts';

/** Option kinds, and what is sent of them. */
const OPT = { NOP: 1, MSS: 2, WSCALE: 3, SACK_PERM: 4, TIMESTAMP: 8 } as const;
/** of 65,535 bytes of receive buffer: tcp_select_initial_window */
export const WSCALE = 7;
/** aligned length of the timestamp option */
export const TS_ALIGNED = 12;
const SYN_OPTIONS = 20;

export interface Header {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  /** `undefined`: without options, as a reset for no socket is */
  readonly timestamp: { readonly value: number; readonly echo: number } | undefined;
  /** SYN: the longest segment that is taken, bytes */
  readonly mss: number;
}

/** Length of a header in bytes: with SYN's options, with a timestamp, or bare. */
export const headerLength = (flags: number, timestamps: boolean): number =>
  TCP_HLEN + (flags & TCP_FLAG.SYN ? SYN_OPTIONS : timestamps ? TS_ALIGNED : 0);

/** `payload`: bytes behind the header, for the pseudo header's sum. */
export function writeHeader(flow: Flow, header: Header, payload: number): Uint8Array {
  const length = headerLength(header.flags, header.timestamp !== undefined);
  const h = new Uint8Array(length);
  put16(h, 0, flow.sport);
  put16(h, 2, flow.dport);
  put32(h, 4, header.seq);
  put32(h, 8, header.ack);
  h[12] = (length / 4) << 4;
  h[13] = header.flags;
  put16(h, 14, header.window);
  let at = TCP_HLEN;
  if (header.flags & TCP_FLAG.SYN) {
    h.set([OPT.MSS, 4], at);
    put16(h, at + 2, header.mss);
    h.set([OPT.SACK_PERM, 2], at + 4);
    at += 6;
  } else if (header.timestamp) {
    h.set([OPT.NOP, OPT.NOP], at);
    at += 2;
  }
  if (header.timestamp) {
    h.set([OPT.TIMESTAMP, 10], at);
    put32(h, at + 2, header.timestamp.value);
    put32(h, at + 6, header.timestamp.echo);
    at += 10;
  }
  if (header.flags & TCP_FLAG.SYN) h.set([OPT.NOP, OPT.WSCALE, 3, WSCALE], at);
  put16(h, 16, pseudoSum(flow, IPPROTO.TCP, length + payload));
  return h;
}

export interface Segment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  /** of its header, bytes */
  readonly header: number;
  /** of data, bytes */
  readonly data: number;
  readonly timestamp: number;
}
const get32 = (bytes: Uint8Array, at: number): number => ((get16(bytes, at) << 16) | get16(bytes, at + 2)) >>> 0;

/** What a segment says, of its bytes; undefined where it is cut off. */
export function readSegment(bytes: Uint8Array): Segment | undefined {
  const header = ((bytes[12] ?? 0) >> 4) * 4;
  if (bytes.length < TCP_HLEN || header < TCP_HLEN || header > bytes.length) return undefined;
  return {
    ...{ seq: get32(bytes, 4), ack: get32(bytes, 8), flags: (bytes[13] as number) & 0x3f, window: get16(bytes, 14) },
    ...{ header, data: bytes.length - header, timestamp: timestampOf(bytes.subarray(TCP_HLEN, header)) },
  };
}
function timestampOf(options: Uint8Array): number {
  for (let at = 0; at < options.length; ) {
    const kind = options[at];
    if (kind === 0) break;
    if (kind === OPT.NOP) {
      at++;
      continue;
    }
    if (kind === OPT.TIMESTAMP) return get32(options, at + 2);
    at += Math.max(2, options[at + 1] ?? 2);
  }
  return 0;
}
/** How much sequence space a segment takes: SYN and FIN count as one each. */
export const span = (flags: number, data: number): number =>
  data + (flags & TCP_FLAG.SYN ? 1 : 0) + (flags & TCP_FLAG.FIN ? 1 : 0);
/** Whether `a` is behind `b`, modulo 2^32 (RFC 9293 section 3.4). */
export const after = (a: number, b: number): boolean => ((a - b) | 0) > 0;
