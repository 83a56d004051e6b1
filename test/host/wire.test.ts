/** The messages of the door, without a supervisor: pieces as they come, and steps as native/wire.h lays them out. */
import { describe, expect, it } from 'vitest';
import { ask, Decoder, type Told } from '../../src/host/wire.ts';

const message = (type: number, payload: Buffer): Buffer => {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(payload.length, 0);
  head.writeUInt32LE(type, 4);
  return Buffer.concat([head, payload]);
};
const feed = (decoder: Decoder, bytes: Buffer, piece: number): Told[] => {
  const out: Told[] = [];
  for (let at = 0; at < bytes.length; at += piece) out.push(...decoder.feed(bytes.subarray(at, at + piece)));
  return out;
};

describe('messages', () => {
  const call = Buffer.alloc(64);
  call.writeUInt32LE(11, 0);
  call.writeUInt32LE(10, 4);
  call.writeBigInt64LE(257n, 8);
  call.writeBigUInt64LE(0xffff_ffff_ffff_ff9cn, 16);
  const bytes = Buffer.concat([
    message(1, Buffer.concat([call, Buffer.from('/proc/kallsyms')])),
    message(2, Buffer.from('0b00000001000000feffffffffffffff', 'hex')),
    message(5, Buffer.from('0b0000000a00000000070000', 'hex')),
  ]);
  it.each([1, 7, 8, 13, 1000])('are whole however they come, %i bytes at a time', (piece) => {
    const told = feed(new Decoder(), bytes, piece);
    expect(told.map((t) => t.kind)).toEqual(['call', 'done', 'exit']);
    expect(told[0]).toMatchObject({ call: { tid: 11, tgid: 10, nr: 257, path: '/proc/kallsyms' } });
    expect(told[1]).toEqual({ kind: 'done', tid: 11, results: [-2n] });
    expect(told[2]).toEqual({ kind: 'exit', tid: 11, tgid: 10, status: 0x700 });
  });

  it('a script is its steps of 80 bytes, then the bytes for the caller', () => {
    const out = ask.script(9, {
      steps: [
        { nr: 257, args: [-100, { data: 0 }, 2] },
        { nr: 3, args: [{ step: 0 }] },
      ],
      result: 0,
      hold: true,
      data: Uint8Array.of(47, 0),
    });
    expect(out.length).toBe(8 + 16 + 2 * 80 + 2);
    expect(out.subarray(8, 24).toString('hex')).toBe('09000000010000000000000002000000');
    expect(out.readBigInt64LE(24 + 8)).toBe(-100n);
    expect([out.readInt32LE(24 + 56), out.readInt32LE(24 + 60), out.readInt32LE(104 + 56)]).toEqual([-1, -2, 0]);
  });

  it('a result keeps its 64 bits', () => {
    expect(ask.return(9, -14).subarray(8).toString('hex')).toBe('09000000f2ffffffffffffff');
    expect(ask.return(9, 0x7fff_f7fb_f000n).readBigInt64LE(12)).toBe(0x7fff_f7fb_f000n);
  });
});
