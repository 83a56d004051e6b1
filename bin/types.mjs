// One file of types an entry: what the compiler wrote, some hundred files, brought together by who needs whom.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const tsc = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace('package.json', 'bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.types.json'], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

const library = {
  name: 'library',
  resolveId: (id) => (id === '../index.ts' ? { id: './index.js', external: true } : undefined),
};

async function bundle(entry, name, plugins = []) {
  const made = await rolldown({
    input: { [name]: `dist/types/src/${entry}.d.ts` },
    external: ['vitest'],
    plugins: [...plugins, dts({ dtsInput: true, tsconfig: false })],
  });
  const { output } = await made.write({ dir: 'dist', format: 'es', entryFileNames: '[name].d.ts' });
  if (output.length !== 1) throw new Error(`the types of ${entry} are ${output.length} files`);
}
await bundle('index', 'index');
await bundle('vitest/index', 'vitest', [library]);
await bundle('vitest/reporter', 'vitest-reporter', [library]);
rmSync('dist/types', { recursive: true });

const text = readFileSync('dist/index.d.ts', 'utf8')
  // TypeScript has the namespace WebAssembly only together with the whole DOM
  .replaceAll('WebAssembly.Memory', '{ readonly buffer: ArrayBufferLike }');
const types = `/// <reference lib="esnext.disposable" />\n${text}`;
writeFileSync('dist/index.d.ts', types);
writeFileSync('dist/index.d.cts', types);

const missing = unnamed(text);
if (missing.length > 0) {
  const problem = `src/signatures.ts lacks ${missing.join('; ')}`;
  if (process.env.CI) throw new Error(problem);
  console.warn(problem);
}

/** Declarations that signatures of exported ones name, and nobody can. */
function unnamed(text) {
  const exported = new Set(
    Array.from(text.matchAll(/^export \{([\s\S]*?)\}/gm), ([, list]) => list.split(','))
      .flat()
      .map(
        (name) =>
          name
            .trim()
            .replace(/^type /, '')
            .split(' as ')[0],
      ),
  );
  const bodies = new Map();
  let current = [];
  for (const line of text.replaceAll(/\/\*[\s\S]*?\*\//g, '').split('\n')) {
    const name = /^(?:declare )?(?:abstract )?(?:class|interface|type|const|function) ([\w$]+)/.exec(line)?.[1];
    if (name) bodies.set(name, (current = []));
    current.push(line.replace(/\/\/.*/, ''));
  }
  // what those lead to that signatures name is their own affair
  const named = new Set(readFileSync('src/signatures.ts', 'utf8').match(/\b[A-Z][\w$]+\b/g));
  // a constant is named by its type
  const missing = [];
  for (const name of exported) {
    if (named.has(name.replace(/\$\d+$/, ''))) continue;
    for (const used of new Set((bodies.get(name) ?? []).join('\n').match(/\b[A-Z][\w$]+\b/g)))
      if (bodies.has(used) && !exported.has(used) && !/^[A-Z_]+$/.test(used))
        missing.push(`${used}, which ${name} names`);
  }
  return missing;
}
