/** A race: the programs of an object, each on a CPU of its own, at the same time. */
import type { Kernel, TestRunOptions } from '../../kernel-sim/index.ts';
import { type LoadedObject, type LoadedProgram, ObjectError } from '../object/index.ts';
import type { RaceSetting } from './explore.ts';
import { type Point, pointsOf } from './points.ts';

/** the variable by which a program says that something is wrong */
export const ASSERT_FAILED = 'assert_failed';
type KernelProgram = ReturnType<Kernel['bpf']['progLoad']>;

export interface Racer {
  readonly name: string;
  readonly cpu: number;
}
export interface Race extends RaceSetting {
  readonly racers: readonly Racer[];
}

/**
 * The programs of these names at their start, in a kernel with as many CPUs; a single one races with itself.
 * @throws ObjectError for a name that the object has not; BpfError where a program cannot be called
 */
export function makeRace(
  kernel: Kernel,
  loaded: LoadedObject<Kernel>,
  names: readonly string[],
  input: TestRunOptions,
): Race {
  const programs = names.map((name) => {
    const program = loaded.programs[name] as LoadedProgram<KernelProgram> | undefined;
    if (program === undefined)
      throw new ObjectError(loaded.object.model.file, `program '${name}'`, 'the object has none of that name');
    return program.handle;
  });
  const made = new Map<KernelProgram, ReadonlyMap<number, Point>>();
  const points = programs.map((program) => {
    const known = made.get(program) ?? pointsOf(kernel, program);
    made.set(program, known);
    return known;
  });
  return {
    kernel,
    racers: names.map((name, cpu) => ({ name, cpu })),
    threads: programs.map((program, cpu) => program.beginThread(cpu, input)),
    points,
    end: () => left(loaded),
  };
}

/** What is left in maps and variables, a line each; the assertion apart. */
function left(loaded: LoadedObject<Kernel>): { state: string[]; assertFailed: string | undefined } {
  const { maps, data, bss } = loaded.snapshot();
  const state: string[] = [];
  let assertFailed: string | undefined;
  for (const [name, entries] of Object.entries(maps))
    for (const [key, value] of entries) state.push(`${name}[${JSON.stringify(key)}] = ${JSON.stringify(value)}`);
  for (const [name, value] of Object.entries({ ...data, ...bss })) {
    const text = JSON.stringify(value);
    if (name !== ASSERT_FAILED) state.push(`${name} = ${text}`);
    else if (text !== '0' && text !== '"0"' && text !== 'false') assertFailed = text;
  }
  return { state, assertFailed };
}
