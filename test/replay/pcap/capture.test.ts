/** Capture files: the two formats, both byte orders, and what is wrong with those that are damaged. */
import { describe, expect, it } from 'vitest';
import { CaptureError, readCapture, writeCapture } from '../../../src/replay/index.ts';

const packets = [
  { time: 1_700_000_000_123_456_789n, bytes: Uint8Array.of(1, 2, 3, 4, 5) },
  { time: 1_700_000_001_000_000_000n, bytes: new Uint8Array(60).fill(7) },
];
/** Words of 32 bits in a byte order. */
function words(little: boolean, ...list: number[]): Uint8Array {
  const out = new Uint8Array(4 * list.length);
  const view = new DataView(out.buffer);
  for (const [n, word] of list.entries()) view.setUint32(4 * n, word >>> 0, little);
  return out;
}
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe('a capture', () => {
  it('is read as it was written', () => {
    const { packets: read, linkType, truncated } = readCapture(writeCapture(packets), 'a');
    expect(read.map(({ time, bytes }) => ({ time, bytes }))).toEqual(packets);
    expect([linkType, truncated]).toEqual([1, false]);
  });
  it.each([true, false])('in µs, little-endian %s', (little) => {
    const half = new Uint8Array(4);
    new DataView(half.buffer).setUint16(0, 2, little);
    new DataView(half.buffer).setUint16(2, 4, little);
    const file = join(
      words(little, 0xa1b2c3d4),
      half,
      words(little, 0, 0, 65_535, 1, 10, 20, 4, 100),
      Uint8Array.of(9, 8, 7, 6),
    );
    expect(readCapture(file, 'b').packets).toEqual([
      { time: 10_000_020_000n, bytes: Uint8Array.of(9, 8, 7, 6), length: 100 },
    ]);
  });
  it.each([true, false])('as pcapng with times in ns, little-endian %s', (little) => {
    const section = words(little, 0x0a0d0d0a, 28, 0x1a2b3c4d, little ? 1 : 0x10000, 0xffff_ffff, 0xffff_ffff, 28);
    const halves = (a: number, b: number): number => (little ? a | (b << 16) : (a << 16) | b);
    const resolution = Uint8Array.of(9, 0, 0, 0);
    const made = join(words(little, 1, 32, halves(1, 0), 0, halves(9, 1)), resolution, words(little, 0, 32));
    const packet = join(words(little, 6, 36, 0, 1, 5, 3, 90), Uint8Array.of(1, 2, 3, 0), words(little, 36));
    expect(readCapture(join(section, made, packet), 'c').packets).toEqual([
      { time: 4_294_967_301n, bytes: Uint8Array.of(1, 2, 3), length: 90 },
    ]);
  });
  it('that ends in the middle of a packet gives those in front of it', () => {
    const whole = writeCapture(packets);
    const cut = readCapture(whole.subarray(0, whole.length - 1), 'd');
    expect([cut.packets.length, cut.truncated]).toEqual([1, true]);
  });
  it('that is none, or damaged, is refused with its name', () => {
    expect(() => readCapture(new Uint8Array(100), 'e.pcap')).toThrow(CaptureError);
    expect(() => readCapture(new Uint8Array(0), 'e.pcap')).toThrow(/e\.pcap: neither pcap nor pcapng/);
    const long = writeCapture(packets);
    new DataView(long.buffer).setUint32(24 + 8, 0x7fff_ffff, true);
    expect(() => readCapture(long, 'f')).toThrow(/f: packet 1 .* damaged/);
    const block = words(true, 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0, 0, 28, 1, 3, 0);
    expect(() => readCapture(block, 'g')).toThrow(/g: a block of 3 bytes/);
  });
});
