/**
 * Conformance objects loaded into the model of the kernel, program by program, beside what Linux 6.12
 * said: `node --import tsx test/object/corpus-load.ts [SET...]`. Prints how many maps and programs went
 * in, and for those that did not, why, most frequent first.
 */
import { Kernel } from '../../kernel-sim/index.ts';
import { BpfObject } from '../../src/object/index.ts';
import { readJsonl, readShared, sharedPath } from '../support/shared.ts';
import { RECORDED } from './corpus.ts';

interface ProgramRecord {
  object: string;
  name: string;
  loaded: boolean;
}

/** Objects for which one kernel is kept: its memory is not endless. */
const PER_KERNEL = 20;
const REASONS = 15;

function byObject(set: string): Map<string, ProgramRecord[]> {
  const out = new Map<string, ProgramRecord[]>();
  for (const record of readJsonl<ProgramRecord>(`conformance/${set}/programs.jsonl.gz`)) {
    const known = out.get(record.object);
    if (known) known.push(record);
    else out.set(record.object, [record]);
  }
  return out;
}

async function run(set: string): Promise<void> {
  const btf = readShared('reference/6.12/vmlinux.btf.gz');
  const kallsyms = readShared('reference/6.12/kallsyms.gz');
  const reasons = new Map<string, string[]>();
  const counts = { objects: 0, mapsOf: 0, accepted: 0, acceptedOf: 0, refused: 0, refusedOf: 0 };
  let kernel: Kernel | undefined;
  for (const [name, records] of byObject(set)) {
    if (!kernel || counts.objects % PER_KERNEL === 0) kernel = await Kernel.boot({ btf, kallsyms });
    counts.objects++;
    const object = BpfObject.open(sharedPath(`conformance/${set}/${name}`));
    let maps = true;
    for (const record of records) {
      let problem: string | undefined;
      try {
        object.load(kernel, { programs: [record.name] }).close();
      } catch (error) {
        const { name: kind, message } = error as Error;
        problem = `${kind}: ${message.split('\n')[0]}`;
        if (message.includes('BPF_MAP_CREATE')) maps = false;
      }
      if (!record.loaded) {
        counts.refusedOf++;
        if (problem !== undefined) counts.refused++;
        continue;
      }
      counts.acceptedOf++;
      if (problem === undefined) counts.accepted++;
      else {
        const key = problem.replaceAll(/\d+/g, 'N').slice(0, 140);
        reasons.set(key, [...(reasons.get(key) ?? []), `${name} ${record.name}`]);
      }
    }
    if (maps) counts.mapsOf++;
  }
  console.log(
    `${set}: objects with all maps created ${counts.mapsOf} of ${counts.objects}, programs that Linux accepts ${counts.accepted} of ${counts.acceptedOf}, that it refuses ${counts.refused} of ${counts.refusedOf}`,
  );
  const most = [...reasons].sort((a, b) => b[1].length - a[1].length).slice(0, REASONS);
  for (const [reason, programs] of most) console.log(`  ${programs.length} ${reason} (${programs[0]})`);
}

const wanted = process.argv.slice(2);
for (const set of wanted.length > 0 ? wanted : RECORDED) await run(set);
