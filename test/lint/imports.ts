/**
 * The import table: which folder may import from which. Data moves from object file to trace_pipe
 * and nothing moves back, so an import against this table is a design error. Run by `npm run lint`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Folder → folders it may import from. A folder always imports from itself. */
const allowed: Record<string, readonly string[]> = {
  'src/isa': [],
  'src/x86': [],
  'src/elf': [],
  'src/btf': [],
  'src/machine': ['src/x86'],
  'src/verifier': ['src/isa', 'src/btf'],
  'src/jit': ['src/isa', 'src/x86'],
  'kernel-sim': ['src/isa', 'src/x86', 'src/elf', 'src/btf', 'src/machine', 'src/verifier', 'src/jit'],
  'src/object': ['src/elf', 'src/btf', 'src/isa', 'kernel-sim'],
  'src/replay': ['kernel-sim'],
  'src/debug': ['kernel-sim', 'src/machine'],
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
      if (!rule.includes('*') && !rule.includes(to)) bad.push(`${file}: ${from} may not import ${path}`);
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
