/** xlated of every program that both kernels accept: the raw conformance set against the real 6.12. */
import { describe, test } from 'vitest';
import { readInsns } from '../../src/isa/index.ts';
import { BpfObject } from '../../src/object/index.ts';
import { holdFigures } from '../support/figures.ts';
import { type Image, imageDifference } from '../support/jited.ts';
import { TableKernel } from '../support/object-kernel.ts';
import { comparable, pipeline, type RawRecord } from '../support/rewrite.ts';
import { fromHex, haveShared, readJsonl, sharedPath } from '../support/shared.ts';

interface Conformance extends RawRecord {
  readonly name: string;
  readonly kernel: { readonly loaded: boolean; readonly xlated?: string } & Partial<Image>;
}

describe.skipIf(!haveShared)('xlated', () => {
  test('raw', () => {
    const records = readJsonl<Conformance>('conformance/verifier/raw.jsonl.gz').filter(
      (r) => r.kernel.loaded && r.kernel.xlated,
    );
    const images = new Images();
    let same = 0;
    let refused = 0;
    for (const r of records) {
      let ours: string[] = [];
      try {
        const out = pipeline(r);
        if (!out.ok) {
          refused++;
          if (process.env['SHOW_REFUSED']) console.log(`refused: ${r.name} ${out.errno} ${out.log.slice(-300)}`);
          continue;
        }
        ours = out.xlated;
        images.compare(r.name, out.program, r.kernel);
      } catch (error) {
        ours = [`${error instanceof Error ? error.stack?.split('\n').slice(0, 3).join(' ') : error}`];
      }
      const theirs = comparable(readInsns(fromHex(r.kernel.xlated ?? '')));
      const at = theirs.findIndex((line, n) => line !== ours[n]);
      if (at < 0 && ours.length === theirs.length) same++;
      else
        console.log(
          `${r.name}${r.unpriv ? ' (unprivileged)' : ''}: at ${at}: ours '${ours[at]}', the kernel's '${theirs[at]}'`,
        );
    }
    holdFigures('xlated', 'raw', {
      accepted: records.length,
      refused,
      xlated: same,
      images: images.all,
      jited: images.same,
    });
  });
});

interface ObjectRecord extends Partial<Image> {
  readonly object: string;
  readonly name: string;
  readonly loaded: boolean;
}

/** Images that our rewrites and our JIT make together. */
class Images {
  same = 0;
  all = 0;
  compare(name: string, program: Parameters<typeof imageDifference>[0], image: Partial<Image>): void {
    const { xlated, jited, jited_ksyms, jited_func_lens } = image;
    if (xlated === undefined || jited === undefined || jited_ksyms === undefined || jited_func_lens === undefined)
      return;
    this.all++;
    let where: string;
    try {
      where = imageDifference(program, { name, xlated, jited, jited_ksyms, jited_func_lens });
    } catch (error) {
      where = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    if (where === '') this.same++;
    else console.log(`image differs: ${name}: ${where}`);
  }
}

describe.skipIf(!haveShared)('xlated of objects', () => {
  for (const set of ['verifier/selftests', 'verifier/selftests-v4', 'objects/libbpf-tools']) {
    test(set, () => {
      const records = readJsonl<ObjectRecord>(`conformance/${set}/programs.jsonl.gz`).filter(
        (r) => r.loaded && r.xlated,
      );
      const byObject = groupBy(records);
      const images = new Images();
      let same = 0;
      let refused = 0;
      const unloaded = new Set<string>();
      for (const [name, programs] of byObject) {
        let object: BpfObject | undefined;
        try {
          object = BpfObject.open(sharedPath(`conformance/${set}/${name}`));
        } catch (error) {
          unloaded.add(`${name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
        }
        for (const p of programs) {
          // one at a time: the kernel cuts names, and so cannot tell programs apart by them
          const kernel = new TableKernel();
          try {
            object?.load(kernel, { programs: [p.name] });
          } catch (error) {
            unloaded.add(`${name} ${p.name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
          }
          const ours = [...kernel.outcomes.values()].at(-1);
          if (ours === undefined || !ours.ok) {
            refused++;
            if (process.env['SHOW_REFUSED'])
              console.log(
                `refused: ${name} ${p.name}: ${ours?.errno} ${ours?.log.trim().split('\n').slice(-3).join(' | ')}`,
              );
            continue;
          }
          images.compare(`${name} ${p.name}`, ours.program, p);
          const a = comparable(ours.insns);
          const b = comparable(readInsns(fromHex(p.xlated ?? '')));
          const at = b.findIndex((line, n) => line !== a[n]);
          if (at < 0 && a.length === b.length) same++;
          else
            console.log(
              `differs: ${name} ${p.name}: at ${at} of ${b.length}: ours '${a[at]}', the kernel's '${b[at]}'`,
            );
        }
      }
      for (const u of unloaded) console.log(`not loaded: ${u}`);
      holdFigures('xlated', set, {
        accepted: records.length,
        refused,
        xlated: same,
        images: images.all,
        jited: images.same,
      });
    });
  }
});

function groupBy(records: readonly ObjectRecord[]): Map<string, ObjectRecord[]> {
  const out = new Map<string, ObjectRecord[]>();
  for (const r of records) out.set(r.object, [...(out.get(r.object) ?? []), r]);
  return out;
}
