/** What is asked of bpftool, and of our own in its grammar, of the same kernel with the same objects. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Kernel } from '../../kernel-sim/index.ts';
import { BpfObject } from '../../src/object/index.ts';
import { bpftool } from '../../src/show/index.ts';

export interface Transcript {
  readonly name: string;
  /** fixtures that are loaded and attached */
  readonly objects: readonly string[];
  /** each is asked plainly, with -j, and with -p */
  readonly commands: readonly string[];
}

export const TRANSCRIPTS: readonly Transcript[] = [
  {
    name: 'values',
    objects: ['kinds'],
    commands: [
      'map show',
      'map show name percpu',
      ...'everything percpu percpu_raw raw raw_small colours queue calls inner_one outer kinds.data kinds.bss kinds.rodata'
        .split(' ')
        .map((name) => `map dump name ${name}`),
      'map lookup name percpu key 0 0 0 0',
      'map lookup name raw_small key 0 0 0 0',
      'btf show',
      'btf dump map name everything',
      'btf dump map name everything key',
    ],
  },
  {
    name: 'programs',
    objects: ['tailcall', 'xdp_count', 'openret'],
    commands: [
      'prog show',
      'prog show name count_packets',
      'link show',
      'prog dump xlated name count_packets',
      'prog dump xlated name count_packets opcodes',
      'prog dump xlated id 1 linum',
      'prog dump jited name count_packets',
      'prog dump jited name count_packets opcodes',
      'prog dump jited id 1 linum',
      'btf dump id 2',
    ],
  },
  {
    name: 'flow',
    objects: ['kinds', 'tailcall'],
    commands: ['prog dump xlated name packets visual', 'prog dump xlated id 8 visual', 'prog dump xlated id 9 visual'],
  },
];

const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}.o`, import.meta.url));

/** A kernel in which the objects are loaded, attached, and where `fill` ran. */
export async function prepare({ objects }: Transcript): Promise<Kernel> {
  const kernel = await Kernel.boot();
  for (const name of objects) {
    const loaded = BpfObject.open(readFileSync(fixture(name)), { name: `${name}.o` }).load(kernel);
    loaded.attach({ ifindex: kernel.net.devices.lo.index });
    loaded.programs['fill']?.testRun({ dataIn: new Uint8Array(64) });
  }
  return kernel;
}

/** JSON is not asked for where bpftool has none. */
export const askedOf = ({ commands }: Transcript): string[] =>
  commands.flatMap((c) => (c.endsWith('visual') ? [c] : ['', '-j ', '-p '].map((flag) => flag + c)));

export const ours = (kernel: Kernel, transcript: Transcript): string =>
  normal(
    askedOf(transcript)
      .map((c) => `$ bpftool ${c}\n${bpftool(kernel, c.split(' '))}`)
      .join(''),
  );

/** When something was loaded bpftool asks of the host's clocks, not of the model's. */
export const normal = (text: string): string =>
  text.replace(/loaded_at \S+/g, 'loaded_at T').replace(/("loaded_at": ?)\d+/g, '$1T');
