/** Conformance objects: all open, and each program's relocated instructions are those that libbpf gave the real 6.12 kernel. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openObject } from '../../src/object/open.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared } from '../support/shared.ts';
import { RECORDED, runCorpus, sampleFiles } from './corpus.ts';

/** A library, to be linked with what defines its map: libbpf does not open it either. */
const NOT_OPENED = ['test_subskeleton_lib.bpf.o'];
/** libbpf 1.1.2, which made the records, did not look through flavours of kfuncs; 1.5 does. */
const DIFFERENT = ['task_kfunc_success.bpf.o test_task_kfunc_flavor_relo'];
/** A symbol table whose header is garbage. */
const INVALID = ['badsymsize.o'];

describe.skipIf(!haveShared)('corpus', () => {
  for (const set of RECORDED) {
    it(set, () => {
      const result = runCorpus(set);
      expect(result.notOpened.filter((line) => !NOT_OPENED.some((name) => line.startsWith(name)))).toEqual([]);
      expect(result.different.filter((line) => !DIFFERENT.some((name) => line.startsWith(name)))).toEqual([]);
      const { objects, opened, programs, equal, notRelocated } = result;
      holdFigures('relocation', set, { objects, opened, programs, equal, notRelocated });
    }, 30_000);
  }

  it('objects/samples', () => {
    const refused: string[] = [];
    const files = sampleFiles();
    for (const path of files) {
      try {
        const object = openObject(readFileSync(path), basename(path));
        expect(object.programs.length, path).toBeGreaterThan(0);
      } catch (error) {
        refused.push(`${basename(path)}: ${String(error)}`);
      }
    }
    expect(refused.filter((line) => !INVALID.some((name) => line.startsWith(name)))).toEqual([]);
    holdFigures('relocation', 'objects/samples', { objects: files.length, opened: files.length - refused.length });
  });
});
