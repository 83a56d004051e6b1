/** Listings in bpftool's grammar: byte for byte what bpftool 7.1 prints of the same kernel (goldens made by `record.ts`). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../src/errors/index.ts';
import { bpftool } from '../../src/show/index.ts';
import { maskHeap } from '../support/mask-heap.ts';
import { ours, prepare, TRANSCRIPTS } from './transcript.ts';

/** Maps' addresses are the heap's matter, in bytes of `movabs` too. */
const masked = (text: string): string =>
  maskHeap(text)
    .replace(/48 bf(?: [0-9a-f]{2}){8}/g, '48 bf ········')
    .replace(/"0x48","0xbf"(?:,"0x[0-9a-f]{2}"){8}/g, '"0x48","0xbf",········');

describe('as bpftool', () => {
  it.each(TRANSCRIPTS)('$name', async (transcript) => {
    const golden = readFileSync(new URL(`golden/${transcript.name}.txt`, import.meta.url), 'utf8');
    expect(masked(ours(await prepare(transcript), transcript))).toBe(masked(golden));
  });

  it('says what is wrong with a command', async () => {
    const kernel = await prepare({ name: '', objects: ['hello'], commands: [] });
    const ask = (command: string) => () => bpftool(kernel, command.split(' '));
    expect(ask('prog show name helo')).toThrow(/near it: hello/);
    expect(ask('prog show id 99')).toThrow(/ENOENT/);
    expect(ask('prog dump xlated name hello upside')).toThrow(ArgumentError);
    expect(ask('map dump')).toThrow(/expected id, name or pinned/);
    expect(ask('map lookup id 1 key 300')).toThrow(/'300' is no byte/);
    expect(ask('net show')).toThrow(/there are: prog show/);
    expect(ask('prog show id 1 id 1')).toThrow(/too much/);
  });
});
