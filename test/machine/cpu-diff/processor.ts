/** What the processor that runs the tests can do, as Linux lists it in /proc/cpuinfo. */
import { readFileSync } from 'node:fs';

let flags: ReadonlySet<string> | undefined;

function cpuFlags(): ReadonlySet<string> {
  if (flags === undefined) {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1] ?? '';
    flags = new Set(line.trim().split(' '));
  }
  return flags;
}

/** Linear address bits that Linux uses: 57 with five-level paging. What is canonical depends on it. */
export const linearBits = (): number => (cpuFlags().has('la57') ? 57 : 48);

/** Extensions beside the x86-64 baseline, by mnemonic. */
const NEEDS: Readonly<Record<string, string>> = {
  adcx: 'adx',
  adox: 'adx',
  popcnt: 'popcnt',
  tzcnt: 'bmi1',
  lzcnt: 'abm',
  andn: 'bmi1',
  blsr: 'bmi1',
  blsmsk: 'bmi1',
  blsi: 'bmi1',
  bextr: 'bmi1',
  bzhi: 'bmi2',
  pext: 'bmi2',
  pdep: 'bmi2',
  mulx: 'bmi2',
  shlx: 'bmi2',
  sarx: 'bmi2',
  shrx: 'bmi2',
  rorx: 'bmi2',
  movbe: 'movbe',
  cmpxchg16b: 'cx16',
  sahf: 'lahf_lm',
  lahf: 'lahf_lm',
  prefetchw: '3dnowprefetch',
  clflush: 'clflush',
  clflushopt: 'clflushopt',
  clwb: 'clwb',
};

/** The extension that this processor lacks for the instruction, undefined: it has what it needs. */
export function lacks(mnemonic: string): string | undefined {
  const needs = NEEDS[mnemonic];
  return needs === undefined || cpuFlags().has(needs) ? undefined : needs;
}
