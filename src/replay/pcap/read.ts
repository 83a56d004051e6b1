/**
 * Packets of a capture file: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), in either byte order,
 * as tcpdump and wireshark write them.
 */
import { EmuError } from '../../errors/index.ts';

/** A file of packets that cannot be read; `where` is its name. */
export class CaptureError extends EmuError {
  override readonly name = 'CaptureError';
  constructor(file: string, why: string) {
    super('ERR_CAPTURE', `${file}: ${why}`, { where: file });
  }
}

export interface CapturedPacket {
  /** ns since 1970 */
  readonly time: bigint;
  /** from the link's header on, as far as the capture has it */
  readonly bytes: Uint8Array;
  /** bytes that it had on the wire */
  readonly length: number;
}
export interface Capture {
  /** LINKTYPE_*: 1 is Ethernet */
  readonly linkType: number;
  readonly packets: readonly CapturedPacket[];
  /** the file ends in the middle of a packet: what is in front of it was read */
  readonly truncated: boolean;
}

export const LINKTYPE_ETHERNET = 1;
const PCAP_US = 0xa1b2c3d4;
const PCAP_NS = 0xa1b23c4d;
const PCAPNG = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
/** no capture has packets as long as this */
const MOST = 1 << 24;

/** @throws CaptureError for what is no capture file */
export function readCapture(bytes: Uint8Array, name: string): Capture {
  if (bytes.length >= 24) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const little of [true, false]) {
      const magic = view.getUint32(0, little);
      if (magic === PCAP_US || magic === PCAP_NS)
        return readPcap(bytes, view, little, magic === PCAP_NS ? 1n : 1000n, name);
    }
    if (view.getUint32(0, true) === PCAPNG) return readPcapng(bytes, view, name);
  }
  throw new CaptureError(name, `neither pcap nor pcapng; tcpdump -w writes such files`);
}

function readPcap(bytes: Uint8Array, view: DataView, little: boolean, unit: bigint, name: string): Capture {
  const packets: CapturedPacket[] = [];
  let at = 24;
  while (at + 16 <= bytes.length) {
    const [seconds, fraction, kept, length] = [0, 4, 8, 12].map((n) => view.getUint32(at + n, little)) as [
      number,
      number,
      number,
      number,
    ];
    if (kept > MOST)
      throw new CaptureError(name, `packet ${packets.length + 1} says that it has ${kept} bytes; the file is damaged`);
    if (at + 16 + kept > bytes.length) break;
    const time = BigInt(seconds) * 1_000_000_000n + BigInt(fraction) * unit;
    packets.push({ time, bytes: bytes.slice(at + 16, at + 16 + kept), length });
    at += 16 + kept;
  }
  return { linkType: view.getUint32(20, little) & 0xffff, packets, truncated: at !== bytes.length };
}

interface Interface {
  readonly linkType: number;
  /** ns of one unit of time, as a fraction */
  readonly unit: readonly [numerator: bigint, denominator: bigint];
  readonly snapLength: number;
}

function readPcapng(bytes: Uint8Array, view: DataView, name: string): Capture {
  const packets: CapturedPacket[] = [];
  let interfaces: Interface[] = [];
  let first: Interface | undefined;
  let little = true;
  let at = 0;
  while (at + 12 <= bytes.length) {
    if (view.getUint32(at, true) === PCAPNG) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(at + 8, false) !== BYTE_ORDER)
        throw new CaptureError(name, `a section of it has no byte order; the file is damaged`);
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const total = view.getUint32(at + 4, little);
    if (total < 12 || total % 4 !== 0) throw new CaptureError(name, `a block of ${total} bytes; the file is damaged`);
    if (at + total > bytes.length) break;
    const body = at + 8;
    const end = at + total - 4;
    if (type === 1 && end - body >= 8) {
      const made = interfaceOf(view, body, end, little);
      interfaces.push(made);
      first ??= made;
      if (made.linkType !== first.linkType)
        throw new CaptureError(
          name,
          `it has interfaces of several kinds (${first.linkType} and ${made.linkType}); split it`,
        );
    } else if (type === 6 && end - body >= 20) {
      const on = interfaces[view.getUint32(body, little)];
      if (on === undefined)
        throw new CaptureError(name, `packet ${packets.length + 1} is of an interface that the file has not`);
      const kept = view.getUint32(body + 12, little);
      if (body + 20 + kept > end) throw new CaptureError(name, `packet ${packets.length + 1} is longer than its block`);
      const raw = (BigInt(view.getUint32(body + 4, little)) << 32n) | BigInt(view.getUint32(body + 8, little));
      const time = (raw * on.unit[0]) / on.unit[1];
      packets.push({
        time,
        bytes: bytes.slice(body + 20, body + 20 + kept),
        length: view.getUint32(body + 16, little),
      });
    } else if (type === 3 && end - body >= 4) {
      // a simple packet: of the first interface, without a time
      const length = view.getUint32(body, little);
      const limit = interfaces[0]?.snapLength || length;
      const kept = Math.min(length, limit, end - body - 4);
      packets.push({ time: packets.at(-1)?.time ?? 0n, bytes: bytes.slice(body + 4, body + 4 + kept), length });
    }
    at += total;
  }
  return { linkType: first?.linkType ?? LINKTYPE_ETHERNET, packets, truncated: at !== bytes.length };
}

function interfaceOf(view: DataView, body: number, end: number, little: boolean): Interface {
  let unit: Interface['unit'] = [1000n, 1n];
  for (let at = body + 8; at + 4 <= end; ) {
    const [code, length] = [view.getUint16(at, little), view.getUint16(at + 2, little)];
    if (code === 0) break;
    // if_tsresol: a negative power of ten, or of two where the highest bit is set
    if (code === 9 && length >= 1 && at + 5 <= end) {
      const resolution = view.getUint8(at + 4);
      const power = BigInt(resolution & 0x7f);
      unit = [1_000_000_000n, resolution & 0x80 ? 2n ** power : 10n ** power];
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { linkType: view.getUint16(body, little), snapLength: view.getUint32(body + 4, little), unit };
}
