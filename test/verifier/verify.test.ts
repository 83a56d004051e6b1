/** The verifier's own promises: what it gives the rewrites, how it says no, and that it ends. */
import { describe, expect, it } from 'vitest';
import * as I from '../../src/isa/index.ts';
import { type VerifierInput, verify } from '../../src/verifier/index.ts';
import { inputOf, type RawRecord } from './oracle.ts';

const hex = (insns: readonly I.Insn[]): string => Buffer.from(I.writeInsns(insns)).toString('hex');
const input = (insns: readonly I.Insn[], more: Partial<RawRecord> = {}): VerifierInput =>
  inputOf({ name: 'test', prog_type: 1, insns: hex(insns), kernel: { loaded: true, errno: 0 }, ...more });
const K = I.BPF_ALU64 | I.BPF_K;
const EXIT = I.insn(I.BPF_JMP | I.BPF_EXIT, 0, 0, 0, 0);
const ARRAY = [{ type: 2, key_size: 4, value_size: 48, max_entries: 1 }];

describe('verify', () => {
  it('accepts, and counts what it processed', () => {
    const result = verify(input([I.insn(K | I.BPF_MOV, 0, 0, 0, 0), EXIT]));
    expect(result.ok && result.program.processed).toBe(2);
    expect(result.log).toContain('processed 2 insns (limit 1000000)');
  });

  it('refuses with the errno that bpf(2) returns', () => {
    const result = verify(input([EXIT]));
    expect(result.ok ? '' : result.errno).toBe('EACCES');
    expect(result.log).toContain('R0 !read_ok');
  });

  it('prints instructions of later kernels as Linux 6.12 does', () => {
    const load = I.insn(I.BPF_STX | I.BPF_ATOMIC | I.BPF_DW, 1, 10, -8, I.BPF_LOAD_ACQ);
    const result = verify(input([I.insn(K | I.BPF_MOV, 0, 0, 0, 0), load, EXIT]));
    // seen on 6.12.117
    expect(result.log).toContain('\n1: BUG_db\nBPF_ATOMIC uses invalid atomic opcode 100\n');
  });

  it('gives no log at level 0, and the same verdict', () => {
    const quiet = verify({ ...input([EXIT]), logLevel: 0 });
    expect(quiet).toEqual({ ok: false, errno: 'EACCES', log: '', tail: '', longest: 0 });
  });

  it('keeps of level 1 only the path that failed', () => {
    const insns = [
      I.insn(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 7),
      I.insn(I.BPF_JMP | I.BPF_JEQ | I.BPF_K, 0, 0, 2, 5),
      I.insn(K | I.BPF_MOV, 0, 0, 0, 0),
      EXIT,
      I.insn(I.BPF_LDX | I.BPF_MEM | I.BPF_DW, 0, 0, 0, 0),
      EXIT,
    ];
    const result = verify({ ...input(insns), logLevel: 1 });
    expect(result.log).not.toContain('3: (95) exit');
    expect(result.log).toContain("4: (79) r0 = *(u64 *)(r0 +0)\nR0 invalid mem access 'scalar'");
  });

  it('prints statistics at level 4', () => {
    const result = verify({ ...input([I.insn(K | I.BPF_MOV, 0, 0, 0, 0), EXIT]), logLevel: 4 });
    expect(result.log).toMatch(/^verification time \d+ usec\nstack depth 0\nprocessed 2 insns/);
  });

  it('tells the rewrites of maps, context loads and stack', () => {
    const insns = [
      I.insn(I.BPF_LDX | I.BPF_MEM | I.BPF_W, 7, 1, 0, 0),
      I.insn(I.BPF_ST | I.BPF_MEM | I.BPF_W, 10, 0, -4, 0),
      I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, 2, 10, 0, 0),
      I.insn(K | I.BPF_ADD, 2, 0, 0, -4),
      I.insn(I.LD_IMM64, 1, 1, 0, 0),
      I.insn(0, 0, 0, 0, 0),
      I.insn(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, 1),
      I.insn(K | I.BPF_MOV, 0, 0, 0, 0),
      EXIT,
    ];
    const result = verify(input(insns, { maps: ARRAY }));
    if (!result.ok) throw new Error(result.log);
    const { aux, usedMaps, subprogs } = result.program;
    expect(aux[0]?.ptrType).toBe('PTR_TO_CTX');
    expect(aux[4]?.mapIndex).toBe(0);
    expect(aux[6]?.mapPtr).toBe(usedMaps[0]);
    expect(subprogs[0]?.stackDepth).toBe(8);
    expect(aux.every((a, n) => a.seen && a.origIdx === n)).toBe(true);
  });
});
