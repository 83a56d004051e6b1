/** Names that a shell cannot know: of topics, of the kernel's functions, of what an object on the command line holds. */
import { renamed } from '../../../kernel-sim/data/renamed.ts';
import { Kernel, traceEvents } from '../../../kernel-sim/index.ts';
import { topics } from '../../explain/topics/index.ts';
import { BpfObject } from '../../object/index.ts';
import { mapTypeName } from '../../uapi/index.ts';
import { readInput } from '../files.ts';

/** A word, and what it is; '' where nothing is to be said. */
export type Candidate = readonly [word: string, what: string];

/** @param words the command line behind `ebpf-emu`, the last being what is completed */
type Names = (words: readonly string[]) => readonly Candidate[] | Promise<readonly Candidate[]>;

const cached = new Map<string, BpfObject>();
/** Objects that can be opened; C is not compiled while somebody types. */
function objects(words: readonly string[]): BpfObject[] {
  return words.slice(0, -1).flatMap((word) => {
    if (!word.endsWith('.o')) return [];
    try {
      const object = cached.get(word) ?? BpfObject.open(readInput(word), { name: word });
      cached.set(word, object);
      return [object];
    } catch {
      return []; // the command itself will say what is wrong with it
    }
  });
}
const programs: Names = (words) =>
  objects(words).flatMap((o) => o.programs.map((p) => [p.name, p.sectionName] as const));
const maps: Names = (words) =>
  objects(words).flatMap((o) => o.maps.map((m) => [m.realName, mapTypeName(m.type)] as const));
const globals: Names = (words) =>
  objects(words).flatMap(({ rodata, data, bss }) =>
    [rodata, data, bss].flatMap((variables) =>
      Object.keys(variables).map((name) => [name, 'global variable'] as const),
    ),
  );
const assigned =
  (names: Names): Names =>
  async (words) =>
    (await names(words)).map(([name, what]) => [`${name}=`, what]);

const functions: Names = async () => (await Kernel.boot()).symbols.everyFunction().map((s) => [s.name, '']);

async function probes(): Promise<readonly Candidate[]> {
  const kernel = await Kernel.boot();
  const reached = kernel.symbols.functions().filter((s) => kernel.probes.reaches(s.name));
  const events = traceEvents().filter((event) => kernel.probes.fires(event));
  return [
    ...reached.map((s) => [`kprobe:${s.name}`, ''] as const),
    ...events.map((e) => [`tracepoint:${e}`, ''] as const),
  ];
}

/** bpftool's grammar: behind `name` stands one, else the words that say how something is named. */
const bpftool: Names = (words) => {
  if (words.at(-2) !== 'name') return ['name', 'id', 'pinned'].map((word) => [word, '']);
  return words[0] === 'map' ? maps(words) : programs(words);
};

const NAMES = {
  topics: () => [
    ...topics.map((t) => [t.name, t.title] as const),
    ...renamed().map((name) => [name, 'a function of older kernels'] as const),
  ],
  programs,
  maps,
  globals,
  'programs=': assigned(programs),
  'maps=': assigned(maps),
  'globals=': assigned(globals),
  functions,
  probes,
  /** `dump text` and `dump trampoline` take functions, the others files */
  texts: (words) => (words.some((w) => w === 'text' || w === 'trampoline') ? functions(words) : []),
  bpftool,
} satisfies Record<string, Names>;

export type Named = keyof typeof NAMES;

/** Lines of `word TAB what`, of what begins as the last word does. */
export async function candidates(named: string, words: readonly string[]): Promise<string> {
  const names: Names | undefined = Object.hasOwn(NAMES, named) ? NAMES[named as Named] : undefined;
  const begun = words.at(-1) ?? '';
  const found = names === undefined ? [] : await names(words);
  return found
    .filter(([word]) => word.startsWith(begun))
    .map(([word, what]) => `${word}\t${what}\n`)
    .join('');
}
