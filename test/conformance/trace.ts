/**
 * Where two engines part: registers after each BPF instruction. The interpreter is run one slot at a time; the image
 * with a breakpoint at the first byte of each instruction, where x86 registers hold BPF's (arch/x86/net/bpf_jit_comp.c).
 */
import { BUDGET_SPENT, Interpreter, SLOT_BYTES } from '../../kernel-sim/bpf/engine/interp/index.ts';
import type { Program } from '../../src/index.ts';
import {
  BPF_ATOMIC,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_EXIT,
  BPF_FETCH,
  BPF_JMP,
  BPF_JMP32,
  BPF_ST,
  BPF_STX,
  bpfClass,
  bpfMode,
  bpfOp,
  disassemble,
  type Insn,
  LD_IMM64,
  readInsns,
} from '../../src/isa/index.ts';
import { addrHi, addrLo } from '../../src/machine/addr.ts';
import { MachineStop } from '../../src/machine/index.ts';
import type { Engine } from '../support/drivers.ts';

/** x86 numbers of R0 to R9. */
const X86 = [0, 7, 6, 2, 1, 8, 3, 13, 14, 15];
const EXIT = BPF_JMP | BPF_EXIT;
const STEPS = 100_000;

interface Step {
  readonly slot: number;
  /** R0 to R9 before the slot is executed */
  readonly regs: readonly bigint[];
}

const join = (lo: number, hi: number): bigint => (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);

/** Steps of a run, and whether it was followed to its end. */
interface Trace {
  readonly steps: readonly Step[];
  readonly ended: boolean;
}

/**
 * Slots of an image that have bytes of their own, by address. Not the exits: all go through the first one's bytes.
 */
function visibleSlots(prog: Program): Map<number, number> {
  const { code } = prog.prog.init;
  const slots = new Map<number, number>();
  prog.prog.placed.forEach((f, n) => {
    const { start, end } = code.funcs[n]!;
    for (let s = start; s < end; s++) {
      const { [s - start]: at, [s - start + 1]: next } = f.insnOffsets;
      const isHalf = s > start && code.insns[s - 1]!.code === LD_IMM64 && code.insns[s]!.code === 0;
      const isWide = code.insns[s]!.code === LD_IMM64;
      if (!isHalf && code.insns[s]!.code !== EXIT && (isWide || next === undefined || next > at!))
        slots.set(f.address + at!, s);
    }
  });
  return slots;
}

function interpSteps(e: Engine, prog: Program, memory: Uint8Array | undefined): Trace {
  const { kernel } = e;
  const { interp } = prog.prog;
  if (interp === undefined) return { steps: [], ended: false };
  const steps: Step[] = [];
  let last = -1;
  const interpreter = new Interpreter(kernel.memory, (pc) => {
    if (pc === last) return;
    last = pc;
    steps.push({
      slot: (pc - interp.code) / SLOT_BYTES,
      regs: X86.map((_, n) => join(R[2 * n]!, R[2 * n + 1]!)),
    });
  });
  const R = interpreter.registers;
  interpreter.enter();
  interpreter.limit = STEPS;
  const stack = kernel.vmalloc.alloc(16384) + 16384;
  const at = memory?.length ? kernel.vmalloc.alloc(memory.length) : 0;
  if (memory && at !== 0) kernel.memory.writeBytes(at, memory);
  [R[2], R[3], R[4], R[5]] = [addrLo(at), addrHi(at), memory?.length ?? 0, 0];
  [R[20], R[21]] = [addrLo(stack), addrHi(stack)];
  const none = (): never => {
    throw new Error('a call');
  };
  let ended = true;
  try {
    interpreter.run(interp, interp.code, { call: none, tailCall: () => undefined, percpu: none });
  } catch (error) {
    // a call ends what can be compared
    ended = error instanceof MachineStop && error.why === BUDGET_SPENT;
  }
  return { steps, ended };
}

function imageSteps(e: Engine, prog: Program, memory: Uint8Array | undefined): Trace {
  const { machine, vmalloc } = e.kernel;
  const slots = visibleSlots(prog);
  const at = memory?.length ? vmalloc.alloc(memory.length) : 0;
  if (memory && at !== 0) e.kernel.memory.writeBytes(at, memory);
  const steps: Step[] = [];
  const record = (): void => {
    const { regs, rip } = machine.cpu;
    steps.push({ slot: slots.get(rip) ?? -1, regs: X86.map((n) => join(regs[2 * n]!, regs[2 * n + 1]!)) });
  };
  for (const address of slots.keys()) machine.breakpoints.add(address);
  try {
    let stop = machine.call(prog.prog.entry, [
      [addrLo(at), addrHi(at)],
      [memory?.length ?? 0, 0],
    ]);
    while (stop.reason === 'breakpoint' && steps.length < STEPS) {
      record();
      stop = machine.run();
    }
  } finally {
    machine.breakpoints.clear();
  }
  return { steps, ended: true };
}

const stepsOf = (e: Engine, prog: Program, memory: Uint8Array | undefined): Trace =>
  e.name === 'interp' ? interpSteps(e, prog, memory) : imageSteps(e, prog, memory);

/** Keeps the registers that hold something defined. */
function follow({ code, dst, src, imm }: Insn, written: Set<number>): void {
  switch (bpfClass(code)) {
    case BPF_JMP:
      if (bpfOp(code) === BPF_CALL) for (const r of [0, 1, 2, 3, 4, 5]) written.delete(r);
      return;
    case BPF_STX:
      if (bpfMode(code) === BPF_ATOMIC && imm & BPF_FETCH) written.add(imm === BPF_CMPXCHG ? 0 : src);
      return;
    case BPF_JMP32:
    case BPF_ST:
      return;
    default:
      written.add(dst);
  }
}

/** Kernels place their maps where they like. */
const isPointer = (v: bigint): boolean => v >= 0xffff_8800_0000_0000n && v < 0xffff_ffff_0000_0000n;

/** `r3 after 12: (0f) r3 += r4: interp 0x1, step 0x2`; undefined where no difference is found. */
export function firstDifference(a: Engine, b: Engine, insns: Uint8Array, memory?: Uint8Array): string | undefined {
  const [pa, pb] = [a, b].map((e) =>
    e.kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false }),
  ) as [Program, Program];
  // what stands for one instruction is compared behind its last slot
  const { origins } = pb.prog.init.code;
  const visible = new Set([...visibleSlots(pb).values()].filter((s) => s === 0 || origins[s] !== origins[s - 1]));
  const [ta, tb] = [stepsOf(a, pa, memory), stepsOf(b, pb, memory)];
  const [sa, sb] = [ta, tb].map((t) => t.steps.filter((s) => visible.has(s.slot))) as [Step[], Step[]];
  for (const p of [pa, pb]) p.close();
  const code = pa.prog.init.code.insns;
  const loaded = readInsns(insns);
  // only registers that something was stored in can be compared
  const written = new Set<number>();
  for (let n = 1; n < Math.min(sa.length, sb.length); n++) {
    const [x, y] = [sa[n]!, sb[n]!];
    const before = code[sa[n - 1]!.slot]!;
    follow(before, written);
    const text = (): string => {
      const slot = pa.prog.init.code.origins[sa[n - 1]!.slot]!;
      return `${slot}: ${disassemble(loaded[slot] ?? before, loaded[slot + 1])}`;
    };
    if (x.slot !== y.slot) return `after ${text()}: ${a.name} goes to slot ${x.slot}, ${b.name} to ${y.slot}`;
    for (const r of written) {
      if (r < 10 && x.regs[r] !== y.regs[r] && !(isPointer(x.regs[r]!) && isPointer(y.regs[r]!))) {
        return `r${r} after ${text()}: ${a.name} 0x${x.regs[r]!.toString(16)}, ${b.name} 0x${y.regs[r]!.toString(16)}`;
      }
    }
  }
  return sa.length === sb.length || !ta.ended || !tb.ended
    ? undefined
    : `${a.name} makes ${sa.length} steps, ${b.name} ${sb.length}`;
}
