/**
 * The instruction set against other people's programs: bpf_conformance (MIT/Apache-2.0), the kernel's lib/test_bpf.c
 * (eBPF, classic BPF, tail calls), on each engine through the public API. r0 is compared in all 64 bits.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { BpfError } from '../../src/index.ts';
import { first } from '../support/depth.ts';
import { ENGINES, type Engine, engine, type RunOutput } from '../support/drivers.ts';
import { holdFigures } from '../support/figures.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';
import { firstDifference } from './trace.ts';

interface ConformanceCase {
  readonly name: string;
  readonly insns: string;
  readonly mem?: string;
  readonly expected_r0: string;
}
interface KernelCase {
  readonly name: string;
  readonly insns: string;
  readonly flags: readonly string[];
  readonly data?: string;
  readonly frag_data?: string;
  readonly tests: readonly { readonly data_size: number; readonly result: number }[];
  readonly expected_errcode?: number;
}
interface TailCallCase {
  readonly id: number;
  readonly name: string;
  readonly insns: string;
  readonly need_state: number;
  readonly result_in_state: number;
  readonly result: number;
  readonly testruns: number;
  readonly fixups: readonly {
    readonly insn: number;
    readonly what: string;
    readonly index?: number;
    readonly helper?: number | string;
  }[];
}

/** uBPF's own extension: calls of a function whose address is in a register, and helper 5 ending the program. */
const OF_UBPF = ['callx', 'call_unwind_fail'];
/** Filters with jumps of length 0, which the JIT leaves out: what has no bytes is not counted where it is jumped over. */
const HOLES = /HOLES|gap/;
const MOV0 = fromHex('b700000000000000');

/** The packet of a case: its first `size` bytes, and the page fragment behind them. */
function packet(c: KernelCase, size: number): Uint8Array {
  const linear = new Uint8Array(size);
  linear.set(fromHex(c.data ?? '').subarray(0, size));
  if (!c.flags.includes('SKB_FRAG')) return linear;
  const fragment = new Uint8Array(128);
  fragment.set(fromHex(c.frag_data ?? ''));
  return Uint8Array.from([...linear, ...fragment]);
}

const TRIED = first(1, [...ENGINES].reverse());
const engines = new Map<string, Engine>();
/** instructions that the first engine executed, by case: the others must execute as many */
const executed = new Map<string, number>();
const miscounted = (key: string, insns: number): string | undefined => {
  const known = executed.get(key) ?? insns;
  executed.set(key, known);
  return known === insns ? undefined : `${key}: ${insns} instructions executed, ${TRIED[0]} executes ${known}`;
};

/** A wrong answer's report: the first register in which two engines differ, and after which instruction. */
function explain(
  name: string,
  insns: Uint8Array,
  memory: Uint8Array | undefined,
  got: RunOutput,
  want: bigint,
): string {
  const other = [...engines.values()].find((e) => e.name !== name);
  const difference = other && firstDifference(engines.get(name)!, other, insns, memory);
  return `r0 is 0x${got.r0.toString(16)}, expected 0x${want.toString(16)}${difference ? `; ${difference}` : ''}`;
}

describe.skipIf(!haveShared)('conformance', () => {
  beforeAll(async () => {
    for (const name of ENGINES) engines.set(name, await engine(name));
  });

  describe.each(TRIED)('%s', (name) => {
    it('runs every case of bpf_conformance', () => {
      const cases = readJsonl<ConformanceCase>('conformance/isa/bpf_conformance.jsonl.gz').filter(
        (c) => !OF_UBPF.includes(c.name),
      );
      const wrong: string[] = [];
      for (const c of cases) {
        const insns = fromHex(c.insns);
        const memory = fromHex(c.mem ?? '');
        const got = engines.get(name)!.run({ insns, memory });
        const want = BigInt(c.expected_r0);
        if (got.r0 !== want) wrong.push(`${c.name}: ${explain(name, insns, memory, got, want)}`);
        else wrong.push(...[miscounted(c.name, got.insns)].filter((w) => w !== undefined));
      }
      expect(wrong).toEqual([]);
      holdFigures('isa', `bpf_conformance, ${name}`, { cases: cases.length });
    });

    it("runs the kernel's own eBPF vectors", () => {
      const wrong: string[] = [];
      let count = 0;
      for (const c of readJsonl<KernelCase>('conformance/isa/test_bpf.jsonl.gz')) {
        for (const t of c.tests) {
          count++;
          const insns = fromHex(c.insns);
          const input = c.flags.includes('LARGE_MEM')
            ? { memory: new Uint8Array(t.data_size) }
            : c.flags.includes('NO_DATA')
              ? {}
              : { packet: packet(c, t.data_size) };
          const got = engines.get(name)!.run({ insns, ...input });
          if (got.retval !== t.result >>> 0)
            wrong.push(`${c.name}: ${explain(name, insns, undefined, got, BigInt(t.result))}`);
          else
            wrong.push(...[miscounted(`${c.name} (${t.data_size} bytes)`, got.insns)].filter((w) => w !== undefined));
        }
      }
      expect(wrong).toEqual([]);
      holdFigures('isa', `test_bpf, ${name}`, { cases: count });
    });

    it('runs classic filters, converted', () => {
      const wrong: string[] = [];
      let count = 0;
      for (const c of readJsonl<KernelCase>('conformance/isa/test_bpf_classic.jsonl.gz')) {
        const insns = fromHex(c.insns);
        if (c.expected_errcode !== undefined) {
          count++;
          try {
            engines.get(name)!.load({ insns, classic: true });
            wrong.push(`${c.name}: loaded`);
          } catch (error) {
            if (!(error instanceof BpfError) || error.errno !== 'EINVAL') wrong.push(`${c.name}: ${String(error)}`);
          }
          continue;
        }
        for (const t of c.tests) {
          count++;
          const got = engines.get(name)!.run({ insns, classic: true, packet: packet(c, t.data_size) });
          const key = `${c.name} (${t.data_size} bytes)`;
          if (got.retval !== t.result >>> 0) wrong.push(`${key}: ${got.retval}, expected ${t.result >>> 0}`);
          else if (!HOLES.test(c.name))
            wrong.push(...[miscounted(`classic ${key}`, got.insns)].filter((w) => w !== undefined));
        }
      }
      expect(wrong).toEqual([]);
      holdFigures('isa', `classic filters, ${name}`, { cases: count });
    });

    it('follows tail calls to the limit', () => {
      const { load, progArray } = engines.get(name)!;
      const cases = readJsonl<TailCallCase>('conformance/isa/test_bpf_tail_call.jsonl.gz');
      const array = progArray(cases.length + 1);
      const progs = cases.map((c) => load({ insns: fixed(c, array.fd) }));
      progs.forEach((p, n) => {
        array.update(n, p.fd);
      });
      const wrong = cases.flatMap((c, n): string[] => {
        const out = progs[n]!.testRun({ ...(c.need_state ? { ctxIn: new Uint8Array(4) } : {}), repeat: c.testruns });
        const state = c.result_in_state
          ? new DataView(out.ctxOut.buffer, out.ctxOut.byteOffset).getInt32(0, true)
          : out.retval;
        const miscount = miscounted(`tail call ${c.name}`, out.insns);
        return [
          ...(state === c.result ? [] : [`${c.name}: ${state}, expected ${c.result}`]),
          ...(miscount ? [miscount] : []),
        ];
      });
      expect(wrong).toEqual([]);
      holdFigures('isa', `tail calls, ${name}`, { cases: cases.length });
    });

    it('refuses what must not load, with a reason', () => {
      const cases = readJsonl<{ name: string; insns: string }>('conformance/isa/bpf_conformance_negative.jsonl.gz');
      const wrong: string[] = [];
      for (const c of cases) {
        // reserved fields are looked at with or without the verifier
        for (const verify of VERIFIERS.has(c.name) ? [true] : [true, false]) {
          try {
            engines.get(name)!.kernel.bpf.progLoad({
              type: 'socket_filter',
              insns: fromHex(c.insns),
              license: 'GPL',
              logLevel: 1,
              verify,
            });
            wrong.push(`${c.name} loads with verify: ${verify}`);
          } catch (error) {
            if (!(error instanceof BpfError) || error.message === '' || error.log === '')
              wrong.push(`${c.name}: ${String(error)}`);
          }
        }
      }
      expect(wrong).toEqual([]);
      holdFigures('isa', `refused, ${name}`, { cases: cases.length });
    });
  });
});

/** What only the verifier refuses: a register without a value; and w0 = w0 with an imm of 1, which is its own zero extension. */
const VERIFIERS = new Set(['negative/error', 'negative/unused-mov_reg-imm']);

/** A tail call case with its symbols resolved: the array's descriptor, indices, helpers. */
function fixed(c: TailCallCase, fd: number): Uint8Array {
  const bytes = fromHex(c.insns);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const f of c.fixups) {
    const at = f.insn * 8;
    if (f.what === 'prog_array_ptr') {
      bytes[at + 1] = (bytes[at + 1]! & 0x0f) | 0x10;
      view.setInt32(at + 4, fd, true);
      view.setInt32(at + 12, 0, true);
    } else if (f.what === 'index') {
      view.setInt16(at + 2, 0, true);
      view.setInt32(at + 4, f.index ?? 0, true);
    } else if (f.what === 'helper') {
      // the vectors' own test function only clobbers registers, as any helper does
      if (typeof f.helper !== 'number') bytes.set(MOV0, at);
      else {
        bytes[at + 1] = 0;
        view.setInt32(at + 4, f.helper, true);
      }
    }
  }
  return bytes;
}
