/**
 * The import table: which folder may import from which. Data moves from object file to trace_pipe
 * and nothing moves back, so an import against this table is a design error. Run by `npm run lint`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every folder but those that lie above. */
const allBut = (...above: readonly string[]): readonly string[] => ['*', ...above.map((folder) => `!${folder}`)];

/** Folder → folders it may import from. A folder always imports from itself. */
const allowed: Record<string, readonly string[]> = {
  'src/isa': [],
  'src/x86': [],
  'src/elf': [],
  'src/btf': [],
  'src/uapi': [],
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
    'src/platform',
  ],
  'src/object': ['src/elf', 'src/btf', 'src/isa', 'src/uapi', 'src/platform', 'kernel-sim'],
  'src/replay': ['kernel-sim', 'src/platform'],
  'src/explain': ['src/verifier', 'src/isa', 'src/btf'],
  'src/debug': allBut('src/testkit', 'src/protocol', 'src/host', 'src/cli', 'src/tui'),
  'src/testkit': ['src/object', 'src/replay', 'src/debug', 'src/explain', 'kernel-sim'],
  'src/protocol': ['src/debug'],
  'src/host': ['kernel-sim', 'src/replay'],
  'src/cli': ['*'],
  'src/tui': ['*'],
  src: ['*'],
};

/** What every folder may use besides: addresses are plain numbers with a convention, and no state. */
const everywhere = [join('src', 'machine', 'addr.ts')];

const folderOf = (file: string): string =>
  Object.keys(allowed)
    .filter((folder) => file.startsWith(folder.replaceAll('/', sep) + sep))
    .sort((a, b) => b.length - a.length)[0] ?? '';

const sources = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));

/** Every import that breaks the table, one line each. */
export function badImports(): string[] {
  const bad: string[] = [];
  for (const file of [...sources('src'), ...sources('kernel-sim')]) {
    const from = folderOf(file);
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, target] of text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
      const path = relative(root, resolve(root, dirname(file), target ?? ''));
      const to = folderOf(path);
      if (to === from || everywhere.includes(path)) continue;
      const rule = allowed[from] ?? [];
      const isAllowed = rule.includes(to) || (rule.includes('*') && !rule.includes(`!${to}`));
      if (!isAllowed) bad.push(`${file}: ${from} may not import ${path}`);
    }
  }
  return bad;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bad = badImports();
  for (const line of bad) console.error(line);
  if (bad.length > 0) process.exit(1);
  console.log('imports: every one follows the table');
}
