/**
 * The import table: which folder may import from which. Data moves from object file to trace_pipe
 * and nothing moves back, so an import against this table is a design error. Run by `npm run lint`.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
import { strayErrors } from './errors.ts';
import { root, sources } from './sources.ts';

/** Every folder but those that lie above. */
const allBut = (...above: readonly string[]): readonly string[] => ['*', ...above.map((folder) => `!${folder}`)];

/** Folder → folders it may import from, each of which it does. A folder always imports from itself. */
const allowed: Record<string, readonly string[]> = {
  'src/isa': [],
  'src/x86': [],
  'src/elf': [],
  'src/btf': [],
  'src/uapi': [],
  // debug information lies in sections of an ELF file, and its types are told as BTF's
  'src/dwarf': ['src/elf', 'src/btf'],
  'src/platform': [],
  'src/machine': ['src/x86'],
  'src/verifier': ['src/isa', 'src/btf', 'src/uapi'],
  'src/jit': ['src/isa', 'src/x86'],
  'kernel-sim': [
    'src/isa',
    'src/x86',
    'src/elf',
    'src/btf',
    'src/machine',
    'src/verifier',
    'src/jit',
    'src/uapi',
    // a rejection that bpf(2) throws says what it means
    'src/explain',
  ],
  // records of which only debug information tells are read, too: src/dwarf
  'src/object': ['src/elf', 'src/btf', 'src/dwarf', 'src/isa', 'src/uapi', 'kernel-sim'],
  'src/replay': ['kernel-sim', 'src/uapi'],
  'src/explain': ['src/verifier'],
  'src/debug': allBut('src/show', 'src/testkit', 'src/protocol', 'src/host', 'src/cli', 'src/tui'),
  // texts of the command line and of the API: on top of the views
  'src/show': allBut('src/testkit', 'src/race', 'src/protocol', 'src/host', 'src/cli', 'src/tui'),
  // tries interleavings: where programs may be preempted it asks their views
  'src/race': ['kernel-sim', 'src/isa', 'src/object', 'src/debug'],
  'src/testkit': [
    'kernel-sim',
    'src/replay',
    'src/explain',
    // objects, arguments and mocks are made as their types in BTF say
    'src/btf',
    // coverage and profiles read branches and calls
    'src/isa',
    // a mock is called by the machine, and may stop it
    'src/machine',
    // maps are named as the kernel keeps names; a child tells of its end by a signal
    'src/uapi',
  ],
  'src/protocol': ['src/debug'],
  'src/host': ['kernel-sim', 'src/uapi'],
  'src/vitest': ['*'],
  'src/cli': ['*'],
  'src/tui': ['*'],
  src: ['*'],
};

/**
 * What every folder may use besides: addresses are plain numbers with a convention, and no state; errors are one
 * family; the host's text and bytes.
 */
const everywhere = [join('src', 'machine', 'addr.ts'), join('src', 'errors'), join('src', 'platform')];
const isEverywhere = (path: string): boolean =>
  everywhere.some((place) => path === place || path.startsWith(place + sep));

const folderOf = (file: string): string =>
  Object.keys(allowed)
    .filter((folder) => file.startsWith(folder.replaceAll('/', sep) + sep))
    .sort((a, b) => b.length - a.length)[0] ?? '';

/**
 * Rooms of kernel-sim by floor, the ground first: a room imports from its own floor and from those below. What a higher
 * floor wants to hear from a lower one, it subscribes to.
 */
const FLOORS: readonly (readonly string[])[] = [
  ['core', 'mm', 'data', 'floors/ground.ts'],
  ['sym', 'text', 'floors/text.ts'],
  ['task', 'sched', 'user', 'vfs', 'syscall', 'trace', 'fault', 'floors/objects.ts'],
  ['probe', 'net', 'cgroup', 'security', 'iter', 'floors/places.ts'],
  ['bpf', 'netlink'],
  ['replay', 'run'],
  // the kernel ties the floors together; scripts that make its data run on top of all
  ['kernel.ts', 'kernel-files.ts', 'index.ts', 'data/make'],
];

/** Floor of a file of kernel-sim by the longest room that holds it; undefined outside of kernel-sim. @throws where no floor has the room */
function floorOf(file: string): number | undefined {
  const [top, ...rest] = file.split(sep);
  if (top !== 'kernel-sim') return undefined;
  const path = rest.join('/');
  const rooms = FLOORS.flatMap((names, floor) => names.map((name) => ({ name, floor })))
    .filter(({ name }) => path === name || path.startsWith(`${name}/`))
    .sort((a, b) => b.name.length - a.name.length);
  if (rooms[0] === undefined) throw new Error(`${file}: give its room a floor in test/lint/imports.ts`);
  return rooms[0].floor;
}

/** Files of src and kernel-sim, each with the files that it imports, types counted. */
function importGraph(): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const file of [...sources('src'), ...sources('kernel-sim')]) {
    const text = readFileSync(join(root, file), 'utf8');
    const targets = [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)];
    graph.set(
      file,
      targets.map(([, target]) => relative(root, resolve(root, dirname(file), target ?? ''))),
    );
  }
  return graph;
}

/** Every import that breaks the tables, and every circle of files, one line each. */
export function badImports(): string[] {
  const graph = importGraph();
  return [...againstTables(graph), ...unusedRows(graph), ...circles(graph)];
}

/** Rows of the table that no import needs any more. */
function unusedRows(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const used = new Set<string>();
  for (const [file, targets] of graph) for (const path of targets) used.add(`${folderOf(file)} ${folderOf(path)}`);
  return Object.entries(allowed).flatMap(([from, rule]) =>
    rule
      .filter((to) => !/^[*!]/.test(to) && !used.has(`${from} ${to}`))
      .map((to) => `test/lint/imports.ts: ${from} imports nothing from ${to}: take it out of the table`),
  );
}

function againstTables(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const bad: string[] = [];
  for (const [file, targets] of graph) {
    const from = folderOf(file);
    for (const path of targets) {
      const [own, other] = [floorOf(file), floorOf(path)];
      if (own !== undefined && other !== undefined && own < other)
        bad.push(`${file}: floor ${own} of kernel-sim may not import ${path} of floor ${other}`);
      const to = folderOf(path);
      if (to === from || isEverywhere(path)) continue;
      const rule = allowed[from] ?? [];
      const isAllowed = rule.includes(to) || (rule.includes('*') && !rule.includes(`!${to}`));
      if (!isAllowed) bad.push(`${file}: ${from} may not import ${path}`);
    }
  }
  return bad;
}

/** Folders that may know which host they run on; the rest asks `src/platform`. */
const HOSTED = ['src/vitest', 'src/platform', 'src/cli', 'src/tui', 'src/protocol', 'src/host', 'kernel-sim/data/make'];

/** Globals that a host may lack: Node's, and the web's. The language's own and WebAssembly are everywhere. */
const HOST_GLOBALS = [
  ...['Buffer', 'process', 'require', 'module', 'global', '__dirname', '__filename', 'setImmediate', 'clearImmediate'],
  ...['setTimeout', 'setInterval', 'queueMicrotask', 'performance', 'fetch', 'crypto', 'structuredClone', 'URL'],
  ...['TextEncoder', 'TextDecoder', 'MessageChannel', 'Worker', 'window', 'document', 'self', 'import.meta'],
];
const MARK = '__host_global_';
const define = Object.fromEntries(HOST_GLOBALS.map((name) => [name, MARK + name.replace('.', '_')]));

/** Every use of a host in the core, one line each: an import of `node:`, or a global that is not the language's. */
export async function hostUses(): Promise<string[]> {
  const core = [...sources('src'), ...sources('kernel-sim')].filter(
    (file) => !file.endsWith('.d.ts') && !HOSTED.some((folder) => file.startsWith(folder.replaceAll('/', sep) + sep)),
  );
  const found = await Promise.all(
    core.map(async (file) => {
      const text = readFileSync(join(root, file), 'utf8');
      // esbuild knows scopes: what it replaces is the global, not a parameter of the same name
      const { code } = await transform(text, { loader: 'ts', define });
      const globals = new Set(Array.from(code.matchAll(/\b__host_global_(\w+)/g), ([, name]) => name));
      const modules = Array.from(text.matchAll(/(?:from|import)\s*\(?\s*['"](node:[^'"]+)['"]/g), ([, name]) => name);
      return [...globals, ...modules].map((name) => `${file}: ${name} is the host's; the core asks src/platform`);
    }),
  );
  return found.flat();
}

/** Circles of files, by Tarjan's strongly connected components (SIAM Journal on Computing 1, 1972). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const number = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): void => {
    const own = number.size;
    number.set(file, own);
    low.set(file, own);
    stack.push(file);
    for (const next of graph.get(file) ?? []) {
      if (!graph.has(next)) continue;
      if (!number.has(next)) visit(next);
      // what has left the stack belongs to a component that is complete
      if (stack.includes(next)) low.set(file, Math.min(low.get(file)!, low.get(next)!));
    }
    if (low.get(file) !== own) return;
    const members = stack.splice(stack.indexOf(file));
    if (members.length > 1) found.push(`a circle of ${members.length} files: ${members.sort().join(', ')}`);
  };
  for (const file of graph.keys()) if (!number.has(file)) visit(file);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bad = [...badImports(), ...(await hostUses()), ...strayErrors()];
  for (const line of bad) console.error(line);
  if (bad.length > 0) process.exit(1);
  console.log('imports: every one follows the table, and the core knows no host');
}
