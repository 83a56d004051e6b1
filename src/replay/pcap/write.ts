/** A pcap file with times in ns (draft-ietf-opsawg-pcap), which tcpdump and wireshark read. */
import type { CapturedPacket } from './read.ts';

const NS_MAGIC = 0xa1b23c4d;
const SNAP_LENGTH = 262_144;

export function writeCapture(packets: readonly Pick<CapturedPacket, 'time' | 'bytes'>[], linkType = 1): Uint8Array {
  const out = new Uint8Array(24 + packets.reduce((sum, { bytes }) => sum + 16 + bytes.length, 0));
  const view = new DataView(out.buffer);
  view.setUint32(0, NS_MAGIC, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_LENGTH, true);
  view.setUint32(20, linkType, true);
  let at = 24;
  for (const { time, bytes } of packets) {
    view.setUint32(at, Number(time / 1_000_000_000n), true);
    view.setUint32(at + 4, Number(time % 1_000_000_000n), true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, bytes.length, true);
    out.set(bytes, at + 16);
    at += 16 + bytes.length;
  }
  return out;
}
