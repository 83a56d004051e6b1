/** `load --coverage`, `load --profile`, `verify --lines`. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'measuring-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('load --coverage', () => {
  it('writes lcov and a summary, and traces as without', async () => {
    const plain = await cli('load', 'fixtures/opens.o');
    const { code, stdout, stderr } = await cli('load', 'fixtures/opens.o', '--coverage', join(folder, 'out.lcov'));
    expect(code).toBe(0);
    expect(stdout).toBe(plain.stdout);
    expect(stderr).toMatch(/^opens\.c +100\.0 +100\.0 +100\.0$/m);
    expect(read('out.lcov')).toMatch(/^TN:\nSF:opens\.c\n[\s\S]*FNDA:33,count_opens\n[\s\S]*end_of_record\n$/);
  });
  it("writes Cobertura's XML by the file's name", async () => {
    await cli('load', 'fixtures/opens.o', '--coverage', join(folder, 'out.xml'));
    expect(read('out.xml')).toContain('lines-covered=');
  });
});

describe('load --profile', () => {
  it('says what lines cost, in the form that the name of the file asks for', async () => {
    const { stdout } = await cli('load', 'fixtures/opens.o', '--profile');
    expect(stdout).toMatch(/^count_opens, opens\.c$/m);
    expect(stdout).toMatch(/\[bpf_trace_printk x2\]$/m);
    await cli('load', 'fixtures/opens.o', '--profile', join(folder, 'out.folded'));
    expect(read('out.folded')).toMatch(/^count_opens;opens\.c:\d+ \d+$/m);
    await cli('load', 'fixtures/opens.o', '--profile', join(folder, 'out.pb'));
    expect(read('out.pb')).toContain('instructions');
    await cli('load', 'fixtures/opens.o', '--profile', join(folder, 'out.pb.gz'));
    expect(gunzipSync(readFileSync(join(folder, 'out.pb.gz'))).toString('latin1')).toContain('instructions');
  });
});

describe('verify --lines', () => {
  it('adds up to what the log says', async () => {
    const { stdout } = await cli('verify', 'fixtures/opens.o', '--lines');
    const rows = stdout.trim().split('\n').slice(1);
    const sum = rows.reduce((all, row) => all + Number(/\d+/.exec(row)![0]), 0);
    const log = (await cli('verify', 'fixtures/opens.o')).stdout;
    expect(sum).toBe(Number(/processed (\d+) insns/.exec(log)![1]));
    expect(stdout).toMatch(/opens\.c:\d+ {2}\t*n = bpf_map_lookup_elem/);
    const json = JSON.parse((await cli('verify', 'fixtures/rejected.o', '--lines', '--json')).stdout);
    expect(json.programs[0].lines[0]).toMatchObject({ file: 'rejected.c', processed: expect.any(Number) });
  });
});
