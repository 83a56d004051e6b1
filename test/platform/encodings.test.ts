/** The plain encodings, held against Node's; unpacking, against zlib's. */
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { base64Bytes, latin1Bytes, latin1Text, utf8Bytes, utf8Text } from '../../src/platform/encodings.ts';
import { fromHex, host, toHex } from '../../src/platform/index.ts';
import { many } from '../support/depth.ts';

const plain = (bytes: Uint8Array): number[] => [...bytes];
/** bytes among which malformed UTF-8 is common */
const nearUtf8 = fc.array(
  fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xc2, 0xe0, 0xa0, 0xed, 0x9f, 0xf0, 0x90, 0xf4, 0x8f, 0xff, 0xef, 0xbb),
  { maxLength: 24 },
);

describe('encodings', () => {
  it('reads UTF-8, malformed too, as Node does', () => {
    fc.assert(
      fc.property(fc.oneof(nearUtf8, fc.array(fc.nat(255))), (bytes) => {
        expect(utf8Text(Uint8Array.from(bytes))).toBe(Buffer.from(bytes).toString('utf8'));
      }),
      { seed: 1, numRuns: many(100, 500) },
    );
  });

  it('writes UTF-8 as Node does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plain(utf8Bytes(text))).toEqual(plain(Buffer.from(text, 'utf8')));
      }),
      { seed: 1 },
    );
    expect(plain(utf8Bytes('\ud800x'))).toEqual(plain(Buffer.from('\ud800x')));
  });

  it('has Latin-1, base64 and hexadecimal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(latin1Text(bytes, 0, bytes.length)).toBe(buffer.toString('latin1'));
        expect(plain(latin1Bytes(buffer.toString('latin1')))).toEqual(plain(bytes));
        expect(plain(base64Bytes(buffer.toString('base64')))).toEqual(plain(bytes));
        expect(toHex(bytes)).toBe(buffer.toString('hex'));
        expect(plain(fromHex(toHex(bytes)))).toEqual(plain(bytes));
      }),
      { seed: 1, numRuns: many(10, 50) },
    );
  });

  it('ends unpacking at the bound', () => {
    const packed = gzipSync(new Uint8Array(1 << 20));
    expect(host.gunzip(packed, 1 << 20)).toHaveLength(1 << 20);
    expect(() => host.gunzip(packed, (1 << 20) - 1)).toThrow('it unpacks to more than 1048575 bytes');
    expect(() => host.gunzip(packed.subarray(0, 100), 1 << 20)).toThrow(/damaged gzip data/);
  });
});
