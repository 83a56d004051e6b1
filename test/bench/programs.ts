/** The seven compute kernels of ../shared/bench, and gcc's native versions of the same C. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readShared, sharedPath } from '../support/shared.ts';

export const NAMES = ['crc32', 'sha256', 'sieve', 'lcg', 'fib', 'pkt', 'calls'] as const;
export type Name = (typeof NAMES)[number];

export interface Size {
  /** iterations: what goes to mem[0] */
  readonly n: number;
  /** BPF instructions that these execute */
  readonly insns: number;
  readonly r0: bigint;
}

interface Expected {
  readonly n: number;
  readonly insns: number;
  readonly r0: string;
}

let expected: Record<string, Record<string, Expected[]>> | undefined;

/** Sizes with known results, small to large. */
export function sizes(name: Name): Size[] {
  expected ??= JSON.parse(Buffer.from(readShared('bench/expected.json')).toString()) as typeof expected;
  return expected![name]!['v3']!.map(({ n, insns, r0 }) => ({ n, insns, r0: BigInt(r0) }));
}

export const instructions = (name: string): Uint8Array => readShared(`bench/${name}.v3.bin`);

/** The 64 KiB that a program works on, with its iteration count. */
export function workMemory(name: Name, n: number): Uint8Array {
  const bytes = Uint8Array.from(readShared(`bench/${name}.mem.gz`));
  new DataView(bytes.buffer).setUint32(0, n, true);
  return bytes;
}

const MAIN = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
unsigned long long entry(void *, unsigned long long);
int main(int argc, char **argv) {
  static unsigned char start[65536], mem[65536];
  FILE *f = fopen(argv[1], "rb");
  if (!f || fread(start, 1, sizeof start, f) == 0) return 1;
  for (int i = 0; i < atoi(argv[2]); i++) {
    struct timespec a, b;
    memcpy(mem, start, sizeof mem);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    unsigned long long r = entry(mem, sizeof mem);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    printf("%llx %.0f\\n", r, (b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec));
  }
  return 0;
}
`;

/** A kernel's C, compiled by gcc -O2. */
export class Native {
  private readonly dir: string;
  private readonly name: Name;

  /** gcc's; undefined where there is none. */
  static version(): string | undefined {
    try {
      const out = execFileSync('gcc', ['-dumpfullversion'], { stdio: ['ignore', 'pipe', 'ignore'] });
      return out.toString().trim();
    } catch {
      return undefined;
    }
  }

  constructor(name: Name) {
    this.name = name;
    this.dir = mkdtempSync(join(tmpdir(), 'ebpf-emu-native-'));
    writeFileSync(join(this.dir, 'main.c'), MAIN);
    execFileSync('gcc', ['-O2', '-o', join(this.dir, name), join(this.dir, 'main.c'), sharedPath(`bench/${name}.c`)]);
  }

  /** Nanoseconds of CPU time of one run. */
  run(size: Size): number {
    const { name } = this;
    const file = join(this.dir, `${name}.mem`);
    writeFileSync(file, workMemory(name, size.n));
    const [r0, ns] = execFileSync(join(this.dir, name), [file, '1']).toString().trim().split(' ');
    if (BigInt(`0x${r0}`) !== size.r0) throw new Error(`native ${name}: wrong result ${r0}`);
    return Number(ns);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}
