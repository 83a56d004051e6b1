/**
 * A program with everything that it calls: functions are appended behind it in the order in which
 * they are first met, each once, and calls are pointed at where they came to lie.
 */
import { BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, INSN_SIZE, type Insn } from '../isa/index.ts';
import { ObjectError } from './error.ts';
import type { FunctionIndex } from './functions.ts';
import type { CodeReloc, FunctionDef } from './model.ts';
import { isCall, isWideLoad } from './relocs.ts';

/** One function of a linked program. */
export interface LinkedPart {
  readonly function: FunctionDef;
  /** first instruction in the program */
  readonly start: number;
}

export interface Linked {
  readonly insns: Insn[];
  readonly parts: readonly LinkedPart[];
}

interface Frame {
  readonly part: LinkedPart;
  readonly relocs: ReadonlyMap<number, CodeReloc>;
  next: number;
}

/**
 * Links one program.
 *
 * @param code instructions of a function with CO-RE done; they are copied
 * @param tail a function to append at the end even if nothing calls it
 * @throws ObjectError for a call into nothing
 */
export function link(
  file: string,
  index: FunctionIndex,
  main: FunctionDef,
  code: (f: FunctionDef) => readonly Insn[],
  tail?: FunctionDef,
): Linked {
  const insns: Insn[] = [];
  const parts: LinkedPart[] = [];
  const placed = new Map<string, LinkedPart>();
  const stack: Frame[] = [];

  const place = (f: FunctionDef): LinkedPart => {
    const part = { function: f, start: insns.length };
    for (const insn of code(f)) insns.push(insn);
    parts.push(part);
    placed.set(`${f.section}:${f.start}`, part);
    stack.push({ part, relocs: new Map(f.relocs.map((r) => [r.insn, r])), next: 0 });
    return part;
  };

  const run = (): void => {
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const f = frame.part.function;
      if (frame.next >= f.insns.length) {
        stack.pop();
        continue;
      }
      const at = frame.next++;
      const here = frame.part.start + at;
      const insn = insns[here] as Insn;
      const reloc = frame.relocs.get(at);
      const call = isCall(insn) && insn.src === BPF_PSEUDO_CALL && insn.dst === 0 && insn.off === 0;
      const pointer = isWideLoad(insn) && (reloc?.kind === 'func' || insn.src === BPF_PSEUDO_FUNC);
      if ((!call && !pointer) || reloc?.kind === 'extern') continue;
      const fail = (message: string): ObjectError =>
        new ObjectError(file, `function '${f.name}'`, `instruction ${at}: ${message}`);
      let section = f.section;
      let target: number;
      if (reloc?.kind === 'call') {
        section = reloc.section;
        // A static function is reached by its section's symbol, with its place in the immediate.
        target = reloc.offset / INSN_SIZE + insn.imm + 1;
      } else if (reloc?.kind === 'func') {
        section = reloc.section;
        target = (reloc.offset + insn.imm) / INSN_SIZE;
      } else if (reloc || pointer) {
        throw fail('a call or function address whose relocation names no function');
      } else {
        // Calls of static functions in one section carry no relocation.
        target = f.start + at + insn.imm + 1;
      }
      const callee = index.at(section, target);
      if (!callee) throw fail(`the call goes to instruction ${target} of section ${section}, where no function is`);
      const part = placed.get(`${callee.section}:${callee.start}`) ?? place(callee);
      const imm = part.start - here - 1;
      insns[here] = pointer ? { ...insn, src: BPF_PSEUDO_FUNC, imm } : { ...insn, imm };
    }
  };

  place(main);
  run();
  if (tail && !placed.has(`${tail.section}:${tail.start}`)) {
    place(tail);
    run();
  }
  return { insns, parts };
}
