/** Fresh programs of each kind, and what Linux 6.12.117 did with them: verdict, errno, whole log, xlated, image and runs. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../kernel-sim/index.ts';
import { BpfError, type MapHandle, type Program } from '../../src/index.ts';
import { readInsns } from '../../src/isa/index.ts';
import { holdFigures } from '../support/figures.ts';
import { type ImageFunc, imageDiff } from '../support/image-diff.ts';
import { comparable } from '../support/rewrite.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';
import { mask } from '../verifier/oracle.ts';

interface Run {
  readonly data_in?: string;
  readonly ctx_in?: string;
}
interface SweepRecord {
  readonly id: string;
  readonly prog_type: string | number;
  readonly insns: string;
  readonly license?: string;
  readonly flags?: number;
  readonly expected_attach_type?: string | number;
  readonly attach_btf?: string;
  readonly attach_btf_id?: number;
  readonly unpriv?: boolean;
  readonly mitigations?: boolean;
  readonly nondet?: boolean;
  readonly btf?: string;
  readonly func_info?: string;
  readonly test_run?: Run | readonly Run[];
  readonly maps?: readonly {
    readonly type: string | number;
    readonly key_size: number;
    readonly value_size: number;
    readonly max_entries: number;
    readonly flags?: number;
    readonly name?: string;
    readonly inner?: number;
    readonly freeze?: boolean;
    readonly init?: readonly { readonly key: string; readonly value?: string }[];
  }[];
  readonly kernel: {
    readonly loaded: boolean;
    readonly error?: string;
    readonly log?: string;
    readonly log_sha256?: string;
    readonly map_create_failed?: number;
    readonly xlated?: string;
    readonly jited?: string;
    readonly jited_ksyms?: readonly string[];
    readonly jited_func_lens?: readonly number[];
    readonly test_run?: unknown;
  };
}
interface Ran {
  readonly ok?: boolean;
  readonly retval: number;
  readonly data_out?: string;
}

const first = <T>(given: T | readonly T[] | undefined): T | undefined =>
  Array.isArray(given) ? (given as readonly T[])[0] : (given as T | undefined);

/** Programs are many, what they leave behind is much: a kernel serves some hundred. */
const PER_KERNEL = 400;

class Sweep {
  #kernel: Kernel | undefined;
  #uses = 0;
  readonly count = { programs: 0, accepted: 0, refused: 0, log: 0, xlated: 0, image: 0, run: 0 };
  readonly wrong: string[] = [];

  async judge(r: SweepRecord): Promise<void> {
    if (!this.#kernel || ++this.#uses > PER_KERNEL || this.#kernel.mitigations !== (r.mitigations ?? false)) {
      this.#kernel = await Kernel.boot({ mitigations: r.mitigations ?? false });
      this.#uses = 0;
    }
    this.count.programs++;
    const maps: MapHandle[] = [];
    let prog: Program | undefined;
    try {
      prog = this.#load(this.#kernel, r, maps);
      this.#accepted(r, prog);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      this.#refused(r, error, maps.length);
    } finally {
      prog?.close();
      for (const map of maps) map.close();
    }
  }

  #load({ bpf }: Kernel, r: SweepRecord, maps: MapHandle[]): Program {
    for (const m of r.maps ?? []) {
      const map = bpf.mapCreate({
        type: m.type,
        keySize: m.key_size,
        valueSize: m.value_size,
        maxEntries: m.max_entries,
        flags: m.flags ?? 0,
        ...(m.name === undefined ? {} : { name: m.name }),
        ...(m.inner === undefined ? {} : { innerMap: maps[m.inner] as MapHandle }),
        unpriv: r.unpriv ?? false,
      });
      maps.push(map);
      for (const e of m.init ?? []) if (e.value !== undefined) map.update(fromHex(e.key), fromHex(e.value));
      if (m.freeze) map.freeze();
    }
    const insns = readInsns(fromHex(r.insns)).map((i) => ({ ...i }));
    insns.forEach((i, n) => {
      const map = i.code === 0x18 && (i.src === 1 || i.src === 2) ? maps[i.imm] : undefined;
      if (map) insns[n] = { ...i, imm: map.fd };
    });
    return bpf.progLoad({
      type: r.prog_type,
      insns,
      license: r.license ?? 'GPL',
      logLevel: 2,
      flags: r.flags ?? 0,
      unpriv: r.unpriv ?? false,
      fdArray: maps.map((m) => m.fd),
      ...(r.expected_attach_type === undefined ? {} : { expectedAttachType: r.expected_attach_type }),
      ...((r.attach_btf ?? r.attach_btf_id) === undefined
        ? {}
        : { attachBtf: (r.attach_btf ?? r.attach_btf_id) as string }),
      ...(r.btf ? { btf: bpf.btfLoad(fromHex(r.btf)).fd } : {}),
      ...(r.func_info ? { funcInfo: fromHex(r.func_info) } : {}),
    });
  }

  #say(r: SweepRecord, what: string): void {
    this.wrong.push(`${r.id}: ${what}`);
  }

  #compareLog(r: SweepRecord, log: string): void {
    if (r.kernel.log === undefined) return;
    const [a, b] = [mask(log).split('\n'), mask(r.kernel.log).split('\n')];
    const at = b.findIndex((line, n) => line.trimEnd() !== a[n]?.trimEnd());
    if (at < 0) this.count.log++;
    else this.#say(r, `log line ${at}: '${a[at]}', not '${b[at]}'`);
  }

  #refused(r: SweepRecord, error: BpfError, maps: number): void {
    const { kernel } = r;
    if (kernel.loaded) this.#say(r, `refused with ${error.errno}: ${error.message}`);
    else if (kernel.map_create_failed !== undefined ? kernel.map_create_failed !== maps : kernel.error !== error.errno)
      this.#say(r, `${error.errno}, not ${kernel.error}`);
    else {
      this.count.refused++;
      if (kernel.map_create_failed === undefined) this.#compareLog(r, error.log);
    }
  }

  #accepted(r: SweepRecord, prog: Program): void {
    const { kernel } = r;
    if (!kernel.loaded) {
      this.#say(r, `accepted, where Linux gives ${kernel.error}`);
      return;
    }
    this.count.accepted++;
    this.#compareLog(r, prog.log);
    const [x, y] = [comparable(readInsns(prog.xlated)), comparable(readInsns(fromHex(kernel.xlated ?? '')))];
    if (x.join('\n') === y.join('\n')) this.count.xlated++;
    else this.#say(r, 'xlated differs');
    const where = imageDiff(ourFuncs(prog), theirFuncs(kernel));
    if (where === '') this.count.image++;
    else this.#say(r, `image: ${where}`);
    this.#run(r, prog);
  }

  #run(r: SweepRecord, prog: Program): void {
    const run = first(r.test_run);
    const ran = first(r.kernel.test_run as Ran | Ran[] | undefined);
    if (!run || !ran?.ok || r.nondet) return;
    const mine = prog.testRun({
      ...(run.data_in ? { dataIn: fromHex(run.data_in) } : {}),
      ...(run.ctx_in ? { ctxIn: fromHex(run.ctx_in) } : {}),
    });
    const sameData = ran.data_out === undefined || Buffer.from(mine.dataOut ?? []).toString('hex') === ran.data_out;
    if (mine.retval >>> 0 === ran.retval >>> 0 && sameData) this.count.run++;
    else this.#say(r, `returns ${mine.retval}, not ${ran.retval}`);
  }
}

function ourFuncs(prog: Program): ImageFunc[] {
  let at = 0;
  return prog.jitedFuncs.map(({ address, length }) => {
    at += length;
    return { address: BigInt(address), bytes: prog.jited.slice(at - length, at) };
  });
}
function theirFuncs(kernel: SweepRecord['kernel']): ImageFunc[] {
  const image = fromHex(kernel.jited ?? '');
  let at = 0;
  return (kernel.jited_func_lens ?? []).map((length, n) => {
    at += length;
    return { address: BigInt(`0x${kernel.jited_ksyms?.[n]}`), bytes: image.slice(at - length, at) };
  });
}

const SETS = 'btf chain ctx flags helpers kfunc maps mit_priv mit_unpriv random unpriv'.split(' ');

describe.skipIf(!haveShared)('fresh programs against Linux 6.12', () => {
  for (const set of SETS) {
    it(set, { timeout: 600_000 }, async () => {
      const sweep = new Sweep();
      for (const record of readJsonl<SweepRecord>(`conformance/sweeps/${set}.jsonl.gz`)) await sweep.judge(record);
      expect(sweep.wrong).toEqual([]);
      holdFigures('sweeps', set, sweep.count);
    });
  }
});
