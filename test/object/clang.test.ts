/** C compiled by the user's clang with headers of our own. Where there is no clang, only its absence is tested. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Btf, BtfBuilder } from '../../src/btf/index.ts';
import { ClangError, compile, findClang } from '../../src/object/clang.ts';
import { openObject } from '../../src/object/open.ts';
import { first } from '../support/depth.ts';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const empty = (): Btf => {
  const builder = new BtfBuilder();
  builder.add({ kind: 'fwd', name: 'nothing', of: 'struct' });
  return Btf.parse(builder.bytes());
};

let clang: string | undefined;
try {
  clang = findClang();
} catch {
  console.log('skipped: no clang, so nothing is compiled');
}

describe('without clang', () => {
  it('says how to get it', () => {
    expect(() => findClang('/nonexistent/clang')).toThrow(ClangError);
    const path = process.env['PATH'];
    process.env['PATH'] = '/nonexistent';
    try {
      expect(() => findClang()).toThrow(/apt install clang/);
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe.skipIf(!clang)('compile', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  const source = (text: string): string => {
    const path = join(directory, 'program.c');
    writeFileSync(path, text);
    return path;
  };

  it.each(
    first(
      6,
      readdirSync(fixtures).filter((name) => name.endsWith('.c')),
    ),
  )('%s gives the programs of its object', (name) => {
    const made = openObject(compile(join(fixtures, name), { btf: empty }), name);
    const kept = openObject(readFileSync(join(fixtures, name.replace(/c$/, 'o'))), name);
    expect(made.programs.map((p) => `${p.rawSectionName} ${p.name}`)).toEqual(
      kept.programs.map((p) => `${p.rawSectionName} ${p.name}`),
    );
    expect(made.maps.map((m) => m.realName)).toEqual(kept.maps.map((m) => m.realName));
  });

  it('takes text as well as a file, and needs no options', () => {
    const bytes = compile(`#include <bpf/bpf_helpers.h>
char comm[16];
SEC("kprobe/vfs_read") int read(void *ctx) { return comm[0]; }
char LICENSE[] SEC("license") = "GPL";`);
    expect(openObject(bytes, 'program.c').programs.map((p) => p.name)).toEqual(['read']);
    expect(Buffer.from(bytes).includes(join(tmpdir(), 'ebpf-emu-'))).toBe(false);
  });

  it('its diagnostics are part of the error, and name the text as the caller does', () => {
    const fails = (): unknown => {
      try {
        return compile('int x = ;\n', { name: 'mine.c' });
      } catch (error) {
        return error;
      }
    };
    const error = fails();
    expect(error).toBeInstanceOf(ClangError);
    expect((error as ClangError).summary).toBe('mine.c: clang did not compile it');
    expect((error as ClangError).message).toMatch(
      /^mine.c: clang did not compile it\nmine.c:1:9: error: expected expression/,
    );
  });

  it("gives clang's own words for an error", () => {
    const path = source('int x = ;\n');
    expect(() => compile(path, { btf: empty })).toThrow(ClangError);
    try {
      compile(path, { btf: empty });
    } catch (error) {
      expect((error as ClangError).diagnostics).toMatch(/program\.c:1:9: error: expected expression/);
    }
  });
});
