// `npm run bench`: bundles the benchmark as the package is bundled, and runs that. What tsx makes of the
// sources (every closure wrapped, to keep its name) is nothing that users run.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundle } from '../../bin/bundle.mjs';

/** Fixtures and data files lie beside the sources, wherever the bundle is. */
const sourceUrls = {
  name: 'source-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href)),
      loader: 'ts',
    }));
  },
};

const dir = mkdtempSync(join(tmpdir(), 'ebpf-emu-bench-'));
try {
  const outfile = join(dir, 'bench.mjs');
  await build({
    ...bundle,
    entryPoints: [fileURLToPath(new URL('run.ts', import.meta.url))],
    outfile,
    format: 'esm',
    plugins: [...bundle.plugins, sourceUrls],
    banner: {
      js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(${JSON.stringify(import.meta.url)});`,
    },
  });
  const { status, signal } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = signal === 'SIGINT' ? 130 : (status ?? 1);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
