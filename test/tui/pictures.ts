/** The pictures of the documents, from the screens that keys lead to. `npm run pictures` writes them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { svgOf } from '../../src/tui/svg.ts';
import { openFixture, press } from './support.ts';

interface Picture {
  readonly name: string;
  readonly title: string;
  readonly object: string;
  readonly size: readonly [cols: number, rows: number];
  readonly keys: readonly string[];
}

export const PICTURES: readonly Picture[] = [
  {
    name: 'first-hit',
    title: 'ebpf-emu tui hello.o: the first hit, in C, BPF and x86',
    object: 'hello.o',
    size: [120, 36],
    keys: [],
  },
  {
    name: 'helper',
    title: 'ebpf-emu tui opens.o: in a helper, with maps, registers and the call stack',
    object: 'opens.o',
    size: [160, 44],
    keys: [' ', ' ', ' ', ' '],
  },
  {
    name: 'rejected',
    title: 'ebpf-emu tui rejected.o: what the verifier refused, and why',
    object: 'rejected.o',
    size: [120, 36],
    keys: [],
  },
];

export const folder = new URL('../../docs/pictures/', import.meta.url);

export async function draw({ object, size: [cols, rows], keys, title }: Picture): Promise<string> {
  const tui = await openFixture(object);
  tui.screen(cols, rows);
  await press(tui, ...keys);
  const svg = svgOf(tui.screen(cols, rows).lines, title);
  tui.close();
  return svg;
}

export async function drawAll(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const picture of PICTURES) writeFileSync(new URL(`${picture.name}.svg`, folder), await draw(picture));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await drawAll();
