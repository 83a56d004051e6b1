/** Messages of netlink: headers, and attributes by type (Linux 6.12 Documentation/userspace-api/netlink/intro.rst; include/uapi/linux/netlink.h). */
import { concatBytes, encodeUtf8 } from '../../src/platform/index.ts';

export const NLM_F = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  ECHO: 8,
  EXCL: 0x200,
  CREATE: 0x400,
  REPLACE: 0x100,
  DUMP: 0x300,
} as const;
/** of an error: the request is not all there; attributes follow */
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;
export const NLMSG = { ERROR: 2, DONE: 3 } as const;
const HEADER = 16;
const NLA_TYPE_MASK = 0x3fff;
export const NLA_F_NESTED = 0x8000;

const aligned = (bytes: number): number => (bytes + 3) & ~3;

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly pid: number;
  /** behind the header */
  readonly payload: Uint8Array;
  /** with its header */
  readonly bytes: Uint8Array;
}

/** The messages of a datagram; what is left of a broken one is dropped, as the kernel drops it. */
export function* messages(datagram: Uint8Array): IterableIterator<NetlinkMessage> {
  for (let at = 0; at + HEADER <= datagram.length; ) {
    const view = new DataView(datagram.buffer, datagram.byteOffset + at);
    const length = view.getUint32(0, true);
    if (length < HEADER || at + length > datagram.length) return;
    const bytes = datagram.subarray(at, at + length);
    yield {
      type: view.getUint16(4, true),
      flags: view.getUint16(6, true),
      seq: view.getUint32(8, true),
      pid: view.getUint32(12, true),
      payload: bytes.subarray(HEADER),
      bytes,
    };
    at += aligned(length);
  }
}

export function message(type: number, flags: number, to: NetlinkMessage, pid: number, payload: Uint8Array): Uint8Array {
  const out = new Uint8Array(aligned(HEADER + payload.length));
  const view = new DataView(out.buffer);
  view.setUint32(0, HEADER + payload.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, to.seq, true);
  view.setUint32(12, pid, true);
  out.set(payload, HEADER);
  return out;
}

/** Attributes by type: of several of one type the last one counts (nla_parse). */
export function attributes(bytes: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const out = new Map<number, Uint8Array>();
  for (let at = 0; at + 4 <= bytes.length; ) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const length = view.getUint16(0, true);
    if (length < 4 || at + length > bytes.length) break;
    out.set(view.getUint16(2, true) & NLA_TYPE_MASK, bytes.subarray(at + 4, at + length));
    at += aligned(length);
  }
  return out;
}

export const u32Of = (value: Uint8Array | undefined): number | undefined =>
  value === undefined || value.length < 4 ? undefined : new DataView(value.buffer, value.byteOffset).getUint32(0, true);
export const s32Of = (value: Uint8Array | undefined): number | undefined => {
  const word = u32Of(value);
  return word === undefined ? undefined : word | 0;
};
export const textOf = (value: Uint8Array | undefined): string | undefined => {
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return String.fromCharCode(...(end < 0 ? value : value.subarray(0, end)));
};

/** One attribute, padded to four bytes. */
export function attribute(type: number, value: Uint8Array): Uint8Array {
  const out = new Uint8Array(aligned(4 + value.length));
  const view = new DataView(out.buffer);
  view.setUint16(0, 4 + value.length, true);
  view.setUint16(2, type, true);
  out.set(value, 4);
  return out;
}
export const u8 = (type: number, value: number): Uint8Array => attribute(type, Uint8Array.of(value));
export function u16(type: number, value: number): Uint8Array {
  return attribute(type, Uint8Array.of(value & 0xff, value >> 8));
}
export function u32(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return attribute(type, bytes);
}
export const text = (type: number, value: string): Uint8Array => attribute(type, encodeUtf8(`${value}\0`));
export const nested = (type: number, ...parts: readonly Uint8Array[]): Uint8Array =>
  attribute(type, concatBytes(parts));
