/**
 * Damaged objects: `node --import tsx test/fuzz/object.ts --seed 1 --count 5000`; `--round N` begins with that round.
 *
 * Each round takes an object of the fixtures (and of the conformance data where it is beside the
 * checkout), damages it, and opens, checks, relocates, prints and loads it. What may come out is an
 * object or a typed error, in bounded time and memory; anything else is printed with the seed that
 * makes it again, and the exit code is 1.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Btf, dumpC, dumpRaw, validateBtf } from '../../src/btf/index.ts';
import { ElfFile } from '../../src/elf/index.ts';
import { BpfObject, inspectObject } from '../../src/object/index.ts';
import { RecorderKernel } from '../object/recorder.ts';
import { haveShared, readShared, sharedPath } from '../support/shared.ts';

/** Errors that say what is wrong with a file. */
const TYPED = new Set(['ElfError', 'BtfError', 'ObjectError', 'NotModelledError']);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Milliseconds of CPU time that one damaged object may take: others' load on the machine is not its fault. */
const SLOW = 3000;
/** Bytes of heap that one may keep busy. */
const LARGE = 1 << 30;
/** The largest object that is damaged: time goes into variety. */
const LARGEST = 300_000;

/** A small generator with a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

interface Random {
  below(n: number): number;
  pick<T>(from: readonly T[]): T;
}
function random(seed: number): Random {
  const next = generator(seed);
  return {
    below: (n) => (n <= 0 ? 0 : next() % n),
    pick: (from) => from[next() % from.length] as (typeof from)[number],
  };
}

const INTERESTING = [
  0, 1, 2, 3, 4, 7, 8, 16, 24, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0,
  0xffffffff,
];

/** Overwrites 1 to 8 bytes somewhere in a range with something likely to hurt. */
function poke(bytes: Uint8Array, from: number, to: number, r: Random): void {
  const end = Math.min(to, bytes.length);
  if (end <= from) return;
  const at = from + r.below(end - from);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (r.below(4)) {
    case 0:
      bytes[at] = (bytes[at] as number) ^ (1 << r.below(8));
      break;
    case 1:
      bytes[at] = r.below(256);
      break;
    case 2:
      if (at + 4 <= bytes.length) view.setUint32(at & ~3, r.pick(INTERESTING), true);
      break;
    default:
      if (at + 4 <= bytes.length)
        view.setUint32(at & ~3, (view.getUint32(at & ~3, true) + r.pick([1, -1, 4, -4, 8, 12, 0x1000])) >>> 0, true);
  }
}

/** Sections of the sound object, to aim at. */
interface Target {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly headers: number;
  readonly sections: readonly { readonly name: string; readonly offset: number; readonly size: number }[];
}

function damage(target: Target, r: Random): Uint8Array {
  let bytes: Uint8Array = target.bytes.slice();
  const rounds = 1 + r.below(6);
  for (let n = 0; n < rounds; n++) {
    const aimed = (pattern: RegExp): void => {
      const section = r.pick(target.sections.filter((s) => pattern.test(s.name) && s.size > 0).concat(target.sections));
      poke(bytes, section.offset, section.offset + section.size, r);
    };
    switch (r.below(10)) {
      case 0:
        poke(bytes, 0, bytes.length, r);
        break;
      case 1:
        poke(bytes, 0, 64, r);
        break;
      case 2:
      case 3:
        poke(bytes, target.headers, target.headers + target.sections.length * 64, r);
        break;
      case 4:
      case 5:
        aimed(/^\.BTF$/);
        break;
      case 6:
        aimed(/^\.BTF\.ext$/);
        break;
      case 7:
        aimed(/^\.rel/);
        break;
      case 8:
        aimed(/^\.(symtab|strtab|maps)$|^maps/);
        break;
      default:
        if (r.below(3) === 0) bytes = bytes.slice(0, r.below(bytes.length));
        else {
          const from = r.below(bytes.length);
          bytes.copyWithin(r.below(bytes.length), from, from + r.below(64));
        }
    }
    if (bytes.length === 0) break;
  }
  return bytes;
}

/** Everything that can be done with an object. Counts how far it came. */
function exercise(bytes: Uint8Array, name: string, btf: Btf | undefined): string {
  const object = BpfObject.open(bytes, { name });
  if (object.model.btf) {
    validateBtf(object.model.btf.bytes, { log: true });
    // Each may refuse what the kernel refuses too.
    attempt(() => dumpC(object.model.btf as Btf));
    attempt(() => dumpRaw(object.model.btf as Btf));
  }
  inspectObject(object.model, btf ? { btf } : {});
  object.load(new RecorderKernel(btf)).attach();
  return 'loaded';
}

function attempt(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error && TYPED.has(error.name))) throw error;
  }
}

function targets(): Target[] {
  const files: string[] = [];
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (name.endsWith('.o') && statSync(path).size <= LARGEST) files.push(path);
    }
  };
  walk(fileURLToPath(new URL('../../fixtures/', import.meta.url)));
  if (haveShared) walk(sharedPath('conformance/'));
  return files.flatMap((path) => {
    const bytes = new Uint8Array(readFileSync(path));
    try {
      const elf = ElfFile.parse(bytes, basename(path));
      const headers = Number(new DataView(bytes.buffer).getBigUint64(40, true));
      return [
        {
          name: basename(path),
          bytes,
          headers,
          sections: elf.sections.map(({ name, offset, size }) => ({ name, offset, size })),
        },
      ];
    } catch {
      return [];
    }
  });
}

function main(): void {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '5000' },
      round: { type: 'string', default: '0' },
      keep: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const first = Number(values.round);
  const count = Number(values.count);
  const all = targets();
  const btf = haveShared ? Btf.parse(readShared('reference/6.12/vmlinux.btf.gz')) : undefined;
  const outcomes = new Map<string, number>();
  const note = (what: string): void => void outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  let failures = 0;
  for (let n = first; n < first + count; n++) {
    const r = random(Math.imul(seed, 0x9e3779b1) + n);
    const target = r.pick(all);
    const bytes = damage(target, r);
    const started = process.cpuUsage();
    let bad: string | undefined;
    try {
      note(exercise(bytes, target.name, btf));
    } catch (error) {
      if (error instanceof Error && TYPED.has(error.name)) note(error.name);
      else bad = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1000;
    if (took > SLOW) bad ??= `${Math.round(took)} ms`;
    const { heapUsed } = process.memoryUsage();
    if (heapUsed > LARGE) {
      bad ??= `${heapUsed} bytes of heap`;
      collect(); // what this round left is not the next one's
    }
    if (bad === undefined) continue;
    failures++;
    console.log(`${target.name}, --seed ${seed}, round ${n}: ${bad.split('\n').slice(0, 6).join('\n')}`);
    if (values.keep !== undefined) writeFileSync(join(values.keep, `${seed}-${n}.o`), bytes);
    if (failures >= 20) break;
  }
  console.log(
    `${count} damaged objects of ${all.length}: ${[...outcomes].map(([what, times]) => `${what} ${times}`).join(', ')}; ${failures} failures`,
  );
  process.exitCode = failures > 0 ? 1 : 0;
}

main();
