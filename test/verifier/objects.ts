/** Programs of objects that libbpf gave a real Linux 6.12: its instructions, with the object's own maps, BTF and line records. */
import { readFileSync } from 'node:fs';
import { fixupAttachType } from '../../kernel-sim/bpf/prog/attach-check.ts';
import { makeVerifierKernel } from '../../kernel-sim/bpf/prog/verifier-kernel.ts';
import type { Btf } from '../../src/btf/index.ts';
import { readInsns } from '../../src/isa/index.ts';
import { loadTarget } from '../../src/object/attach-target.ts';
import { ObjectError } from '../../src/object/error.ts';
import { fillKconfig } from '../../src/object/kconfig.ts';
import { btfForKernel } from '../../src/object/load-btf.ts';
import type { MapDef, ObjectModel, ProgramDef } from '../../src/object/model.ts';
import { openObject } from '../../src/object/open.ts';
import { Relocator } from '../../src/object/relocate.ts';
import type { Target } from '../../src/object/target.ts';
import type { MapFacts, VerifierInput } from '../../src/verifier/index.ts';
import { fromHex, readJsonl, readShared } from '../support/shared.ts';
import { type KernelAnswer, kernelBtf, kernelSymbols } from './oracle.ts';

export interface ProgramRecord extends KernelAnswer {
  object: string;
  name: string;
  section: string;
  type: string;
  expected_attach_type: number;
  insns: string;
}

const ALL = { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true };
const WITHOUT_BTF = new Set([4, 8, 7, 12, 13, 14, 25, 16, 17, 15, 18, 22, 23, 33]);
const RDONLY = new Set(['rodata', 'kconfig']);

interface Opened {
  readonly model: ObjectModel;
  readonly btf: Btf | undefined;
  readonly relocator: Relocator;
  readonly maps: Map<MapDef, MapFacts>;
}

let target: Target | undefined;
function referenceTarget(): Target {
  target ??= {
    btf: kernelBtf(),
    symbol: (name) => kernelSymbols().get(name),
    config: Buffer.from(readShared('reference/6.12/config.gz')).toString('utf8'),
    version: (6 << 16) | (12 << 8) | 117,
  };
  return target;
}

const open = new Map<string, Opened>();
function openCached(set: string, file: string): Opened {
  const key = `${set}/${file}`;
  const known = open.get(key);
  if (known) return known;
  const model = openObject(set.startsWith('/') ? readFileSync(key) : readShared(`conformance/${key}`), file);
  const kconfig = model.maps.find((m) => m.origin === 'kconfig');
  if (kconfig)
    fillKconfig(model.file, kconfig, model.externs, {
      config: referenceTarget().config,
      version: referenceTarget().version as number,
      extra: undefined,
    });
  const btf = model.btf ? btfForKernel({ ...model, btf: model.btf }) : undefined;
  const opened = { model, btf, relocator: new Relocator(model, referenceTarget()), maps: new Map<MapDef, MapFacts>() };
  open.set(key, opened);
  return opened;
}

function factsOf(o: Opened, def: MapDef): MapFacts {
  const known = o.maps.get(def);
  if (known) return known;
  const n = o.maps.size;
  const data = def.data;
  const constant = RDONLY.has(def.origin) && data;
  const facts: MapFacts = {
    id: n + 1,
    type: def.type,
    name: def.name.slice(0, 15),
    keySize: def.keySize,
    valueSize: def.valueSize,
    maxEntries: def.maxEntries,
    flags: def.flags,
    mapExtra: def.mapExtra,
    frozen: RDONLY.has(def.origin),
    address: 0xffff888100000000n + BigInt(n * 1024),
    valueAddress: 0xffffc90000000000n + BigInt(n * 0x10000),
    ...(def.inner ? { inner: factsOf(o, def.inner) } : {}),
    ...(o.btf && !WITHOUT_BTF.has(def.type) && (def.btfKey || def.btfValue)
      ? { btf: o.btf, btfKeyTypeId: def.btfKey, btfValueTypeId: def.btfValue }
      : {}),
    ...(constant
      ? {
          readConst: (off: number, size: number): bigint => {
            let value = 0n;
            for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(data[off + i] ?? 0);
            return value;
          },
        }
      : {}),
  };
  o.maps.set(def, facts);
  return facts;
}

/** What the record's program is to the verifier; a string says why it cannot be had. */
export function objectInput(set: string, record: ProgramRecord): VerifierInput | string {
  const o = openCached(set, record.object);
  const program: ProgramDef | undefined = o.model.programs.find((p) => p.name === record.name);
  if (!program) return 'no such program in the object';
  const relocated = o.relocator.relocate(program);
  const insns = readInsns(fromHex(record.insns));
  if (insns.length !== relocated.insns.length)
    return `${relocated.insns.length} instructions, the record has ${insns.length}`;
  const fds = new Map<number, MapFacts>();
  for (const ref of relocated.refs) {
    const fd = insns[ref.insn]?.imm ?? -1;
    if (fd >= 0) fds.set(fd, factsOf(o, ref.map));
  }
  // a target that is not there: libbpf loads without an id, and the verifier says so
  let found: { attachBtf?: string | number; expectedAttachType: number } = {
    expectedAttachType: program.expectedAttachType,
  };
  try {
    found = loadTarget(o.model, program, { btf: kernelBtf() });
  } catch (e) {
    if (!(e instanceof ObjectError)) throw e;
  }
  const { attachBtf, expectedAttachType } = found;
  const attach = fixupAttachType(program.type, expectedAttachType);
  const attachBtfId = typeof attachBtf === 'number' ? attachBtf : 0;
  const attachName = attachBtfId ? kernelBtf().typeById(attachBtfId).name : undefined;
  const kernel = makeVerifierKernel(
    { symbol: (name) => kernelSymbols().get(name), vmlinux: kernelBtf(), mapByFd: (fd) => fds.get(fd), cpus: 1 },
    {
      type: program.type,
      expectedAttachType: attach,
      scope: { caps: ALL, sleepable: (program.flags & 16) !== 0, ...(attachName ? { attachName } : {}) },
    },
  );
  return {
    insns,
    name: record.name,
    type: program.type,
    expectedAttachType: attach,
    flags: program.flags,
    gpl: /GPL/.test(o.model.license),
    caps: ALL,
    logLevel: 2,
    ...(o.btf ? { btf: o.btf } : {}),
    ...(o.btf && relocated.funcInfo.length > 0 ? { funcInfo: relocated.funcInfo } : {}),
    ...(o.btf && relocated.lineInfo.length > 0 ? { lineInfo: relocated.lineInfo } : {}),
    ...(attachBtfId ? { attachBtfId } : {}),
    kernel,
  };
}

export const SETS = ['verifier/selftests', 'verifier/selftests-v4', 'objects/libbpf-tools'] as const;

/** Records that the verifier judged: a log without its last line was refused elsewhere, EBADF of a program that it walked to the end too. */
export function objectRecords(set: string): ProgramRecord[] {
  return readJsonl<ProgramRecord>(`conformance/${set}/programs.jsonl.gz`).filter(
    (r) =>
      (r.log ?? r.log_tail ?? '').includes('processed ') &&
      !(r.errno === 9 && !(r.log ?? '').includes('is not pointing to')),
  );
}
