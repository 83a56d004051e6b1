/** `ebpf-emu verify --stats`: what verification of each program costs, as veristat reports it. */
import { basename } from 'node:path';
import { BpfError, type Kernel } from '../../../kernel-sim/index.ts';
import { compareRuns, type Stats, statsOfLog, veristat } from '../../show/index.ts';
import { UserError } from '../errors.ts';
import { readInput } from '../files.ts';
import { loadOptions } from '../loading.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { print, tell } from '../terminal.ts';

export interface StatsOptions extends KernelOptions {
  readonly emit?: string;
  readonly sort?: string;
  readonly outputFormat?: 'table' | 'csv';
  readonly compare?: boolean;
}

/** log_level 4: only the counts at the end. */
const COUNTS = 4;

/** @throws UserError, ArgumentError */
export async function verifyStats(files: readonly string[], options: StatsOptions): Promise<void> {
  const { emit, sort, outputFormat: output } = options;
  if (options.compare) {
    const [base, next, ...more] = files.map((file) => ({ file, text: readInput(file).toString('utf8') }));
    if (!base || !next || more.length > 0)
      throw new UserError('-C takes two files: what `verify --stats -o csv` wrote before and after');
    print(compareRuns(base, next, { emit, sort, output }));
    return;
  }
  const rows: Stats[] = [];
  let skippedFiles = 0;
  let skippedPrograms = 0;
  for (const file of files) {
    if (output !== 'csv') print(`Processing '${basename(file)}'...\n`);
    try {
      const found = await statsOf(await boot(options), file, options);
      rows.push(...found.rows);
      skippedPrograms += found.skipped;
    } catch (error) {
      if (files.length === 1) throw error;
      skippedFiles++;
      tell(`${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
  const processed = { files: files.length - skippedFiles, skippedFiles, skippedPrograms };
  print(veristat(rows, processed, { emit, sort, output }));
}

/** Each program by itself, so that one that is refused does not hide others. */
async function statsOf(kernel: Kernel, file: string, options: KernelOptions) {
  const object = await openInput(file, kernel, options);
  const { programs: _, ...loading } = loadOptions(object, options);
  const rows: Stats[] = [];
  let skipped = 0;
  const row = (prog_name: string, verdict: string, log: string, sizes: Stats['values'] = {}): void =>
    void rows.push({ file_name: basename(file), prog_name, values: { verdict, ...statsOfLog(log), ...sizes } });
  for (const { name } of options.program ? options.program.map((p) => object.program(p)) : object.programs) {
    try {
      const loaded = object.load(kernel, { ...loading, programs: [name], logLevel: COUNTS });
      const handle = loaded.programs[name]?.handle;
      if (handle)
        row(name, 'success', handle.log, { prog_size: handle.xlated.length / 8, prog_size_jited: handle.jited.length });
      else skipped++;
      loaded.close();
    } catch (error) {
      if (!(error instanceof BpfError) || !error.log) throw error;
      row(name, 'failure', error.log);
    }
  }
  return { rows, skipped };
}
