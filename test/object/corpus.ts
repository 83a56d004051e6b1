/**
 * Objects that others compiled, relocated here and compared with what libbpf 1.1.2 gave the real
 * 6.12 kernel: `node --import tsx test/object/corpus.ts` prints `objects n of N, programs m of M`
 * and names what differs. Map file descriptors are compared as names: one descriptor, one map.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Btf } from '../../src/btf/index.ts';
import { type Insn, readInsns, writeInsns } from '../../src/isa/index.ts';
import { openObject } from '../../src/object/open.ts';
import { type RelocatedProgram, Relocator } from '../../src/object/relocate.ts';
import type { Target } from '../../src/object/target.ts';
import { readJsonl, readShared, sharedPath } from '../support/shared.ts';

export const RECORDED = ['objects/libbpf-tools', 'verifier/selftests', 'verifier/selftests-v4'] as const;

interface ObjectRecord {
  object: string;
  opened: boolean;
  loaded: boolean;
  libbpf_log: string;
}
interface ProgramRecord {
  object: string;
  name: string;
  section: string;
  insns: string;
  loaded: boolean;
  log?: string;
  error?: string;
}

export interface CorpusResult {
  objects: number;
  opened: number;
  programs: number;
  equal: number;
  /** objects that libbpf opened and we did not */
  notOpened: string[];
  /** programs that differ, each with why */
  different: string[];
  /** libbpf gave up on the object before it relocated: the record has the file's own instructions, and so have we */
  notRelocated: number;
}

let cachedTarget: Target | undefined;

/** The kernel that made the records. */
export function referenceTarget(): Target {
  if (cachedTarget) return cachedTarget;
  const symbols = new Map<string, bigint>();
  for (const line of Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString('latin1').split('\n')) {
    const [address, , name, module] = line.split(/\s+/);
    if (address && name && !module && !symbols.has(name)) symbols.set(name, BigInt(`0x${address}`));
  }
  cachedTarget = {
    btf: Btf.parse(readShared('reference/6.12/vmlinux.btf.gz')),
    symbol: (name) => symbols.get(name),
    config: Buffer.from(readShared('reference/6.12/config.gz')).toString('utf8'),
    version: (6 << 16) | (12 << 8) | 117,
  };
  return cachedTarget;
}

/** Says how two programs differ, or undefined. */
export function compare(ours: RelocatedProgram, theirs: readonly Insn[]): string | undefined {
  if (ours.insns.length !== theirs.length) return `${ours.insns.length} instructions, libbpf has ${theirs.length}`;
  const byFd = new Map<number, string>();
  const byMap = new Map<string, number>();
  const refs = new Map(ours.refs.map((r) => [r.insn, r]));
  for (const [at, theirsAt] of theirs.entries()) {
    const oursAt = ours.insns[at] as Insn;
    const ref = refs.get(at);
    if (ref) {
      const name = `${ref.map.name}/${ref.map.section}/${ref.map.offset}`;
      if ((byFd.get(theirsAt.imm) ?? name) !== name || (byMap.get(name) ?? theirsAt.imm) !== theirsAt.imm)
        return `instruction ${at}: descriptor ${theirsAt.imm} is ${byFd.get(theirsAt.imm)} and ${name}`;
      byFd.set(theirsAt.imm, name);
      byMap.set(name, theirsAt.imm);
    }
    const same =
      oursAt.code === theirsAt.code &&
      oursAt.dst === theirsAt.dst &&
      oursAt.src === theirsAt.src &&
      oursAt.off === theirsAt.off &&
      (ref !== undefined || oursAt.imm === theirsAt.imm);
    if (!same) return `instruction ${at}: ${hex(oursAt)}, libbpf has ${hex(theirsAt)}`;
  }
  return undefined;
}

const raw = (insns: readonly Insn[]): string => Buffer.from(writeInsns(insns)).toString('hex');
const hex = (insn: Insn): string => raw([insn]);

/** Runs one recorded set. */
export function runCorpus(set: string): CorpusResult {
  const target = referenceTarget();
  const objects = readJsonl<ObjectRecord>(`conformance/${set}/objects.jsonl.gz`);
  const byObject = new Map<string, ProgramRecord[]>();
  for (const record of readJsonl<ProgramRecord>(`conformance/${set}/programs.jsonl.gz`)) {
    byObject.set(record.object, [...(byObject.get(record.object) ?? []), record]);
  }
  const result: CorpusResult = {
    objects: 0,
    opened: 0,
    programs: 0,
    equal: 0,
    notOpened: [],
    different: [],
    notRelocated: 0,
  };
  for (const record of objects) {
    result.objects++;
    let relocator: Relocator;
    let model: ReturnType<typeof openObject>;
    try {
      model = openObject(readFileSync(sharedPath(`conformance/${set}/${record.object}`)), record.object);
      relocator = new Relocator(model, target);
      result.opened++;
    } catch (error) {
      result.notOpened.push(`${record.object}${record.opened ? '' : ' (nor by libbpf)'}: ${String(error)}`);
      continue;
    }
    for (const program of byObject.get(record.object) ?? []) {
      const mine = model.programs.find(
        (p) => p.name === program.name && p.rawSectionName.replace(/^\?/, '') === program.section.replace(/^\?/, ''),
      );
      let why: string | undefined;
      try {
        why = mine
          ? compare(relocator.relocate(mine), readInsns(Buffer.from(program.insns, 'hex')))
          : 'no such program';
      } catch (error) {
        why = error instanceof Error && error.name === 'ObjectError' ? error.message : String((error as Error).stack);
      }
      if (why !== undefined && !record.loaded && mine && raw(mine.insns) === program.insns) {
        result.notRelocated++;
        continue;
      }
      result.programs++;
      if (why === undefined) result.equal++;
      else result.different.push(`${record.object} ${program.name}: ${why}`);
    }
  }
  return result;
}

/** Sample objects that have no record: all that can be said is whether they open. */
export function sampleFiles(): string[] {
  const root = sharedPath('conformance/objects/samples');
  const out: string[] = [];
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name);
      if (statSync(path).isDirectory()) walk(path);
      else if (name.endsWith('.o')) out.push(path);
    }
  };
  if (existsSync(root)) walk(root);
  return out;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const total = { objects: 0, opened: 0, programs: 0, equal: 0 };
  for (const set of RECORDED) {
    const r = runCorpus(set);
    console.log(
      `${set}: objects ${r.opened} of ${r.objects}, programs ${r.equal} of ${r.programs} (${r.notRelocated} more libbpf refused before relocating)`,
    );
    for (const line of [...r.notOpened, ...r.different]) console.log(`  ${line}`);
    total.objects += r.objects;
    total.opened += r.opened;
    total.programs += r.programs;
    total.equal += r.equal;
  }
  const samples = sampleFiles();
  let opened = 0;
  for (const path of samples) {
    try {
      openObject(readFileSync(path), path.split('/').pop() as string);
      opened++;
    } catch (error) {
      console.log(`  ${String(error)}`);
    }
  }
  console.log(`samples: objects ${opened} of ${samples.length}`);
  console.log(
    `objects ${total.opened + opened} of ${total.objects + samples.length}, programs ${total.equal} of ${total.programs}`,
  );
}
