/** `ebpf-emu diff a.o b.o`: what differs between the programs of two objects. Ends 1 where anything does, as diff(1). */
import { BpfError } from '../../../kernel-sim/index.ts';
import { explainRejection } from '../../explain/index.ts';
import { type Compared, compared, differs, diffText } from '../../show/index.ts';
import { loadOptions } from '../loading.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { print } from '../terminal.ts';

export interface DiffOptions extends KernelOptions {
  readonly json?: boolean;
}

/** log_level 4: the counts at the end */
const COUNTS = 4;

export async function diff(first: string, second: string, options: DiffOptions): Promise<void> {
  const [a, b] = [await programsOf(first, options), await programsOf(second, options)];
  if (options.json) print(`${JSON.stringify({ first: a, second: b }, null, 2)}\n`);
  else print(diffText(a, b));
  process.exitCode = differs(a, b) ? 1 : 0;
}

/** Each program by itself, so that one that is refused does not hide others. */
async function programsOf(file: string, options: DiffOptions): Promise<Compared[]> {
  const kernel = await boot({ ...options, engine: 'jit' });
  const object = await openInput(file, kernel, options);
  const { programs: _, ...loading } = loadOptions(object, options);
  const wanted = options.program?.filter((name) => object.programs.some((p) => p.name === name));
  return (wanted ?? object.programs.map((p) => p.name)).flatMap((name) => {
    try {
      const loaded = object.load(kernel, { ...loading, programs: [name], logLevel: COUNTS });
      const program = loaded.programs[name];
      const found = program ? [compared(kernel, program, object.model.btf)] : [];
      loaded.close();
      return found;
    } catch (error) {
      if (!(error instanceof BpfError) || !error.log) throw error;
      const nothing = { lines: [], insns: 0, image: 0, stack: 0, verified: 0, states: 0 };
      return [{ name, refused: explainRejection(error.log).message, ...nothing }];
    }
  });
}
