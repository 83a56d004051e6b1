/**
 * What the commands print of the fixtures, against what Linux 6.12.117 and bpftool printed of the
 * same objects (test/golden/linux-6.12). Addresses of maps and images and ids of maps, which differ
 * from boot to boot there too, are masked; nothing else is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { first } from '../support/depth.ts';

const root = new URL('../golden/linux-6.12/', import.meta.url);
const golden = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const fixture = (object: string): string => `fixtures/${object}.o`;

const cases = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: object }) =>
    readdirSync(new URL(`${object}/`, root))
      .filter((file) => file.endsWith('.log'))
      .map((file) => ({ object, program: file.slice(0, -'.log'.length) })),
  );
const accepted = first(
  6,
  cases.filter(({ object }) => object !== 'rejected'),
);

/** Heap and vmalloc addresses, as digits and as little-endian bytes of a movabs; ids. */
const mask = (text: string): string =>
  text
    .replace(/0xffff(?:888|c900)[0-9a-f]+/g, '0xADDRESS')
    .replace(/(\b4[89] b. )(?:[0-9a-f]{2} ){5}(?:88|c9) ff ff/g, '$1ADDRESS')
    .replace(/map\[id:\d+\]/g, 'map[id:N]')
    .replace(/^( {7}18 [0-9a-f]{2} 00 00 )(?:[0-9a-f]{2} ){4}/gm, '$1ID ');

describe.each(cases)('$object: $program', ({ object, program }) => {
  it("has the kernel's verifier log", async () => {
    const { stdout, code } = await cli('verify', fixture(object), '-p', program);
    expect(mask(stdout)).toBe(mask(golden(`${object}/${program}.log`)));
    expect(code).toBe(object === 'rejected' ? 1 : 0);
  });
});

describe.each(accepted)('$object: $program', ({ object, program }) => {
  it.each([
    ['xlated.txt', []],
    ['xlated.opcodes.txt', ['--opcodes']],
  ])('xlated is as bpftool lists it (%s)', async (file, options) => {
    const { stdout } = await cli('dump', 'xlated', fixture(object), '-p', program, ...options);
    expect(mask(stdout)).toBe(mask(golden(`${object}/${program}.${file}`)));
  });

  it("has the kernel's machine code, calls relocated to the same symbols", async () => {
    const { stdout } = await cli('dump', 'jited', fixture(object), '-p', program, '--addresses');
    expect(code(stdout)).toEqual(code(golden(`${object}/${program}.jited.asm`)));
  });

  it('lists machine code in the form of bpftool', async () => {
    const { stdout } = await cli('dump', 'jited', fixture(object), '-p', program, '--opcodes');
    expect(shape(stdout)).toEqual(shape(golden(`${object}/${program}.jited.opcodes.txt`)));
  });
});

/** Offset, bytes and text of each instruction; a call's relative bytes give way to the symbol it names. */
function code(listing: string): string[] {
  return listing
    .split('\n')
    .filter((line) => /^f{8}[0-9a-f]{8} /.test(line))
    .map((line) => {
      const [, offset = '', bytes = '', text = ''] =
        /^\S+\s+([0-9a-f]+):\t((?:[0-9a-f]{2} ?)+)\s*(.*)$/.exec(mask(line)) ?? [];
      const symbol = /<(.*)>/.exec(text)?.[1];
      return symbol
        ? `${offset}: ${text.split(' ')[0]} ${symbol}`
        : `${offset}: ${bytes.trim()} ${text.replace(/\s+/g, ' ').replace(/0x?f{8}[0-9a-f]{8}/g, 'ADDRESS')}`;
    })
    .map((line) => line.replace(/bpf_prog_\w+(?=\+)/, ''));
}

/** The listing without targets: bpftool prints them relative to nothing. */
const shape = (listing: string): string[] =>
  mask(listing)
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(\s*[0-9a-f]+:\t(?:call|j\w+))\s+.*$/, '$1').replace(/^\t(e8|e9|0f 8.) .*$/, '\t$1'));
