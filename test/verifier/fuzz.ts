/**
 * Random programs for comparing the verifier with a real kernel: `npx tsx test/verifier/fuzz.ts gen SEED COUNT OUT.jsonl`
 * writes records as the kernel oracle takes them, `... check IN.jsonl ANSWERS.jsonl` compares.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import * as I from '../../src/isa/index.ts';
import { MAPS, pointerProgram } from './fuzz-pointers.ts';
import { compare, inputOf, mask, type RawRecord, verify } from './oracle.ts';

/** xorshift32 */
function random(seed: number): (n: number) => number {
  let s = seed | 1;
  return (n) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) % n;
  };
}

const ALU = [
  I.BPF_ADD,
  I.BPF_SUB,
  I.BPF_MUL,
  I.BPF_AND,
  I.BPF_OR,
  I.BPF_XOR,
  I.BPF_LSH,
  I.BPF_RSH,
  I.BPF_ARSH,
  I.BPF_MOV,
  I.BPF_DIV,
  I.BPF_MOD,
  I.BPF_NEG,
];
const JMP = [
  I.BPF_JEQ,
  I.BPF_JNE,
  I.BPF_JGT,
  I.BPF_JGE,
  I.BPF_JLT,
  I.BPF_JLE,
  I.BPF_JSGT,
  I.BPF_JSGE,
  I.BPF_JSLT,
  I.BPF_JSLE,
  I.BPF_JSET,
];
const IMMS = [
  0, 1, -1, 2, 7, 8, 15, 16, 63, 255, 256, 4095, -4095, 0x7fffffff, -0x80000000, 0xffff, 0x10000, -8, 100, 1000,
  0x12345678,
];

function program(rnd: (n: number) => number): I.Insn[] {
  const out: I.Insn[] = [];
  const imm = (): number => (rnd(3) ? (IMMS[rnd(IMMS.length)] as number) : rnd(200) - 100);
  const reg = (): number => [0, 6, 7, 8, 9][rnd(5)] as number;
  const spots = [-8, -16, -24, -4, -12, -6, -1, -32];
  const sizes = [I.BPF_B, I.BPF_H, I.BPF_W, I.BPF_DW];
  const bytes: Readonly<Record<number, number>> = { [I.BPF_B]: 1, [I.BPF_H]: 2, [I.BPF_W]: 4, [I.BPF_DW]: 8 };
  // unknown values to begin with
  for (const r of [6, 7, 8, 9]) {
    if (rnd(4) === 0) out.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_K, r, 0, 0, imm()));
    else {
      out.push(I.insn(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, rnd(2) ? 7 : 5));
      out.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, r, 0, 0, 0));
    }
  }
  out.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_K, 0, 0, 0, imm()));
  const length = 8 + rnd(26);
  const jumps: number[] = [];
  for (let n = 0; n < length; n++) {
    const kind = rnd(20);
    if (kind < 9) {
      const op = ALU[rnd(ALU.length)] as number;
      const cls = rnd(2) ? I.BPF_ALU64 : I.BPF_ALU;
      if (op === I.BPF_NEG) out.push(I.insn(cls | op, reg(), 0, 0, 0));
      else if (rnd(2))
        out.push(
          I.insn(
            cls | op | I.BPF_X,
            reg(),
            reg(),
            op === I.BPF_MOV && rnd(4) === 0 ? ((cls === I.BPF_ALU ? [8, 16][rnd(2)] : [8, 16, 32][rnd(3)]) ?? 0) : 0,
            0,
          ),
        );
      else {
        let value = imm();
        if (op === I.BPF_LSH || op === I.BPF_RSH || op === I.BPF_ARSH)
          value = Math.abs(value) % (cls === I.BPF_ALU64 ? 64 : 32);
        if ((op === I.BPF_DIV || op === I.BPF_MOD) && value === 0) value = 3;
        out.push(I.insn(cls | op | I.BPF_K, reg(), 0, 0, value));
      }
    } else if (kind < 15) {
      const op = JMP[rnd(JMP.length)] as number;
      const cls = rnd(2) ? I.BPF_JMP : I.BPF_JMP32;
      jumps.push(out.length);
      out.push(
        rnd(2) ? I.insn(cls | op | I.BPF_X, reg(), reg(), 0, 0) : I.insn(cls | op | I.BPF_K, reg(), 0, 0, imm()),
      );
    } else if (kind < 17) {
      const size = sizes[rnd(4)] as number;
      const off = Math.floor((spots[rnd(spots.length)] as number) / (bytes[size] as number)) * (bytes[size] as number);
      out.push(
        rnd(3)
          ? I.insn(I.BPF_STX | I.BPF_MEM | size, 10, reg(), off, 0)
          : I.insn(I.BPF_ST | I.BPF_MEM | size, 10, 0, off, imm()),
      );
    } else if (kind < 19) {
      const size = sizes[rnd(4)] as number;
      const off = Math.floor((spots[rnd(spots.length)] as number) / (bytes[size] as number)) * (bytes[size] as number);
      const mode = rnd(5) === 0 && size !== I.BPF_DW ? I.BPF_MEMSX : I.BPF_MEM;
      out.push(I.insn(I.BPF_LDX | mode | size, reg(), 10, off, 0));
    } else if (rnd(3) === 0) {
      // a copy and a distance: linked scalars
      const from = reg();
      const to = reg();
      out.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, to, from, 0, 0));
      if (rnd(2)) out.push(I.insn((rnd(3) ? I.BPF_ALU64 : I.BPF_ALU) | I.BPF_ADD | I.BPF_K, to, 0, 0, imm()));
    } else if (rnd(2) === 0) {
      const imms = [I.BPF_ADD, I.BPF_ADD | I.BPF_FETCH, I.BPF_OR | I.BPF_FETCH, I.BPF_XCHG, I.BPF_CMPXCHG];
      out.push(
        I.insn(
          I.BPF_STX | I.BPF_ATOMIC | (rnd(2) ? I.BPF_DW : I.BPF_W),
          10,
          reg(),
          -8 * (1 + rnd(3)),
          imms[rnd(imms.length)] as number,
        ),
      );
    } else {
      out.push(I.insn(I.BPF_ALU | I.BPF_END | (rnd(2) ? I.BPF_X : 0), reg(), 0, 0, [16, 32, 64][rnd(3)] as number));
    }
  }
  if (rnd(3) === 0) {
    // an access that needs what was learned
    const r = reg();
    out.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, 1, 10, 0, 0));
    out.push(I.insn(I.BPF_ALU64 | I.BPF_ADD | I.BPF_X, 1, r, 0, 0));
    out.push(I.insn(I.BPF_ST | I.BPF_MEM | I.BPF_B, 1, 0, -64, 1));
  }
  out.push(I.insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_K, 0, 0, 0, 0));
  out.push(I.insn(I.BPF_JMP | I.BPF_EXIT, 0, 0, 0, 0));
  for (const at of jumps) {
    const room = out.length - 2 - at - 1;
    const back = rnd(400) === 0 ? -1 - rnd(Math.min(at, 6) || 1) : undefined;
    (out[at] as I.Insn).off = back ?? rnd(Math.max(1, Math.min(room, 10)));
  }
  return out;
}

const [command, a, b, c] = process.argv.slice(2);
if (command === 'pointers') {
  const rnd = random(Number(a));
  const lines = Array.from({ length: Number(b) }, (_, n) => {
    const insns = Buffer.from(I.writeInsns(pointerProgram(rnd))).toString('hex');
    const record = { id: n, name: `ptr${n}`, prog_type: rnd(5) ? 3 : 1, insns, maps: MAPS };
    return JSON.stringify(rnd(5) === 0 ? { ...record, prog_type: 1, unpriv: true } : record);
  });
  writeFileSync(c as string, `${lines.join('\n')}\n`);
} else if (command === 'gen') {
  const rnd = random(Number(a));
  const lines = Array.from({ length: Number(b) }, (_, n) => {
    const record = {
      id: n,
      name: `fuzz${n}`,
      prog_type: rnd(2) ? 1 : 5,
      insns: Buffer.from(I.writeInsns(program(rnd))).toString('hex'),
    };
    return JSON.stringify(rnd(6) === 0 && record.prog_type === 1 ? { ...record, unpriv: true } : record);
  });
  writeFileSync(c as string, `${lines.join('\n')}\n`);
} else {
  const read = (file: string): Record<string, unknown>[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((l) => l)
      .map((l) => JSON.parse(l) as Record<string, unknown>);
  const asked = read(a as string);
  const answers = read(b as string);
  let same = 0;
  let verdicts = 0;
  let shown = 0;
  asked.slice(0, answers.length).forEach((record, n) => {
    const raw = { ...record, kernel: answers[n] } as unknown as RawRecord;
    const mine = verify(inputOf(raw));
    const r = compare(mine, raw.kernel);
    if (r.verdict) verdicts++;
    if (r.log) same++;
    else if (shown++ < Number(c ?? 5)) {
      console.log(`#${n} unpriv ${raw.unpriv ?? false} kernel ${raw.kernel.loaded} mine ${mine.ok}`);
      const x = mask(mine.log).split('\n');
      const y = mask(raw.kernel.log ?? '').split('\n');
      const at = x.findIndex((l, i) => l !== y[i]);
      for (let i = Math.max(0, at - 2); i < at + 2; i++) console.log(`  mine ${x[i]}\n  kern ${y[i]}`);
    }
  });
  console.log({ total: answers.length, verdicts, same });
}
