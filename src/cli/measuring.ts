/** `--coverage` and `--profile`: what programs executed, and what their lines cost. */
import { gzipSync } from 'node:zlib';
import type { Kernel } from '../../kernel-sim/index.ts';
import { encodeUtf8 } from '../platform/index.ts';
import { Coverage } from '../testkit/coverage/coverage.ts';
import { HelperClock, lineCosts } from '../testkit/coverage/profile.ts';
import { collapsed, pprof, profileText } from '../testkit/coverage/profile-reports.ts';
import { cobertura, lcov, summary } from '../testkit/coverage/reports.ts';
import { writeOutput } from './files.ts';
import { stage } from './style.ts';
import { print, tell } from './terminal.ts';

export interface MeasureOptions {
  /** file: .xml is Cobertura's, anything else lcov's; true: a summary only */
  readonly coverage?: string | true;
  /** file: .folded and .txt are collapsed stacks, .pb and .pprof (and .gz behind them) are pprof's, anything else text; true: text */
  readonly profile?: string | true;
}

/** Begins to measure; before programs are loaded, so that nothing is missed. Gives what reports. */
export function measure(kernel: Kernel, { coverage, profile }: MeasureOptions): () => void {
  if (coverage === undefined && profile === undefined) return () => {};
  const { detours } = kernel.bpf.state;
  const clock = profile === undefined ? undefined : new HelperClock(kernel);
  detours.count();
  return () => {
    if (coverage !== undefined) reportCoverage(kernel, coverage);
    if (profile !== undefined) reportProfile(kernel, profile, clock);
  };
}

function reportCoverage(kernel: Kernel, to: string | true): void {
  const coverage = new Coverage();
  for (const counts of kernel.bpf.state.detours.counts)
    if (!coverage.add(counts)) tell(`${counts.prog.name}: its lines are not known; compile it with clang -g\n`);
  if (to !== true) {
    const text = to.endsWith('.xml') ? cobertura(coverage, Date.now()) : lcov(coverage);
    writeOutput(to, encodeUtf8(text));
    stage('cover', `written to ${to}`);
  }
  tell(summary(coverage));
}

function reportProfile(kernel: Kernel, to: string | true, clock: HelperClock | undefined): void {
  const costs = lineCosts(kernel, kernel.bpf.state.detours.counts, clock);
  if (to === true) {
    print(profileText(costs));
    return;
  }
  const isStacks = /\.(folded|txt)(\.gz)?$/.test(to);
  const isProto = /\.(pb|pprof)(\.gz)?$/.test(to);
  const bytes = isProto ? pprof(costs) : encodeUtf8(isStacks ? collapsed(costs) : profileText(costs));
  writeOutput(to, to.endsWith('.gz') ? gzipSync(bytes) : bytes);
  stage('profile', `written to ${to}`);
}
