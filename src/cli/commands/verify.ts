/** `ebpf-emu verify`: each program through BPF_PROG_LOAD, and what the verifier wrote. */
import { BpfError } from '../../../kernel-sim/index.ts';
import { uninitialisedReads } from '../../explain/index.ts';
import type { SkippedProgram } from '../../object/index.ts';
import { type VerifierLineCost, verifierCostText, watchVerifier } from '../../testkit/coverage/verifier-cost.ts';
import { loadOptions } from '../loading.ts';
import { boot, openInput } from '../session.ts';
import { paint } from '../style.ts';
import { tell, print as write } from '../terminal.ts';
import { type StatsOptions, verifyStats } from './verify-stats.ts';

export interface VerifyOptions extends StatsOptions {
  readonly logLevel: number;
  readonly json?: boolean;
  readonly lines?: boolean;
  readonly stats?: boolean;
}

interface Verdict {
  readonly program: string;
  readonly section: string;
  readonly accepted: boolean;
  readonly errno?: string;
  readonly log: string;
  /** by C line, where they were asked for */
  readonly lines?: readonly VerifierLineCost[];
  /** what a load without privileges would be refused for */
  readonly note?: string;
}

export async function verify(files: readonly string[], options: VerifyOptions): Promise<void> {
  if (options.stats || options.compare) return verifyStats(files, options);
  const all: Verified[] = [];
  for (const file of files) all.push(await verifyFile(file, files.length > 1, options));
  if (options.json) write(`${JSON.stringify(all.length === 1 ? all[0] : all, null, 2)}\n`);
  process.exitCode = all.every((one) => one.programs.every((v) => v.accepted)) ? 0 : 1;
}

interface Verified {
  readonly file: string;
  readonly programs: readonly Verdict[];
  readonly skipped?: readonly SkippedProgram[];
}

async function verifyFile(file: string, several: boolean, options: VerifyOptions): Promise<Verified> {
  const kernel = await boot(options);
  const object = await openInput(file, kernel, options);
  const programs = options.program ? options.program.map((name) => object.program(name)) : object.programs;
  const verdicts: Verdict[] = [];
  let lines: readonly VerifierLineCost[] | undefined;
  // a program that is refused is looked at again for its log; the walk is the same
  if (options.lines) watchVerifier(kernel, (costs) => (lines ??= costs));
  const skipped: SkippedProgram[] = [];
  const { programs: _, ...loading } = loadOptions(object, options);
  for (const { name, sectionName: section } of programs) {
    lines = undefined;
    const cost = () => (lines ? { lines } : {});
    try {
      const loaded = object.load(kernel, { ...loading, programs: [name], logLevel: options.logLevel });
      const [passed] = loaded.skipped;
      if (passed) skipped.push(passed);
      else {
        const { log = '', uninitReads = [] } = loaded.programs[name]?.handle ?? {};
        const note = uninitialisedReads(uninitReads);
        verdicts.push({
          program: name,
          section,
          accepted: true,
          log,
          ...(note === undefined ? {} : { note }),
          ...cost(),
        });
      }
      // what was verified makes room for what follows
      loaded.close();
      if (passed) continue;
    } catch (error) {
      if (!(error instanceof BpfError) || !error.log) throw error;
      verdicts.push({ program: name, section, accepted: false, errno: error.errno, log: error.log, ...cost() });
    }
    if (!options.json) print(verdicts.at(-1) as Verdict, several || programs.length > 1);
  }
  if (!options.json)
    for (const { program, why } of skipped) tell(`${program}: ${paint.yellow('passed over')}: ${why}\n`);
  return { file, programs: verdicts, ...(skipped.length > 0 ? { skipped } : {}) };
}

/** characters that are written at a time: a log may be a hundred million of them */
const AT_ONCE = 1 << 20;

function print(v: Verdict, several: boolean): void {
  if (several) tell(`${paint.bold(v.program)} (${v.section})\n`);
  if (v.lines) write(verifierCostText(v.lines));
  else for (let at = 0; at < v.log.length; at += AT_ONCE) write(v.log.slice(at, at + AT_ONCE));
  const verdict = v.accepted ? paint.green('accepted') : `${paint.red('refused')}: ${v.errno}`;
  tell(`${v.program}: ${verdict}\n`);
  if (v.note !== undefined) tell(`${v.program}: ${v.note}\n`);
}
