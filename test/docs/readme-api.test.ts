/** The README's example of the API runs as it is printed, and prints what its object does. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it, vi } from 'vitest';

const file = fileURLToPath(new URL('./readme.actual.ts', import.meta.url));
afterAll(() => rmSync(file, { force: true }));

it('runs as printed', async () => {
  const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, code = ''] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
  writeFileSync(file, code.replaceAll("'ebpf-emu'", `'${new URL('../../src/index.ts', import.meta.url).href}'`));
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await import(/* @vite-ignore */ pathToFileURL(file).href);
    expect(log.mock.calls).toEqual([
      [
        expect.stringContaining('bpf_trace_printk: first open by pid 30042'),
        [
          [30042, 25n],
          [30043, 8n],
        ],
      ],
    ]);
  } finally {
    log.mockRestore();
  }
});
