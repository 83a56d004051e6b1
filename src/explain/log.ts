/** The verifier's log, read backwards: the line that decides, where it stopped, and how a register came to its value. */

/** `12: (79) r1 = *(u64 *)(r6 +8)   ; R1_w=scalar() R6=ctx()` */
const INSN = /^(\d+): \(([0-9a-f]{2})\) (.*?)(?:\s+; (R\d.*|fp-.*|refs=.*))?$/;
/** `12: R1=scalar() R6=ctx()`: a state on a line of its own */
const STATE =
  /^(?:\d+:$|frame\d+: (?:R\d|fp-)|(?:\d+|from \d+ to \d+(?: \(speculative execution\))?): ?(?:frame\d+: )?(?:R\d|fp-))/;
/** Lines that carry state or bookkeeping, never the verdict. */
const NOISE =
  /^(?:processed \d|verification time|stack depth \d|mark_precise:|force_precise:|func#\d+ @|Live regs|live regs|from \d+ to |\d+: safe$|; |caller:|callee:|returning from callee:|to caller at|(?:cur|old) state:|frame ?\d+: ?|propagating|parent state|last_idx|Func#\d+ |Validating |arg#\d+ reference type\('UNKNOWN|func '[^']+' arg\d+ has btf_id|Note, |spilled ptr in range|marking pointer)/;

/** An instruction as the log shows it. */
export interface LogInsn {
  readonly line: number;
  readonly index: number;
  /** as disassembled */
  readonly text: string;
  /** what the log says behind it of registers and stack */
  readonly state: string;
}

const destination = (text: string): string | undefined => /^[rw](\d+) (?:[-+*/%&|^]|<<|>>|s>>|s)?=/.exec(text)?.[1];

export class RejectionLog {
  readonly lines: readonly string[];
  /** the line that decides */
  readonly message: string;
  /** index of that line */
  readonly at: number;

  constructor(log: string) {
    this.lines = log.split('\n').map((line) => line.trimEnd());
    const decides = (line: string): boolean =>
      line !== '' && !NOISE.test(line) && !INSN.test(line) && !STATE.test(line) && !/^ R\d/.test(line);
    // what was said before an instruction was walked did not stop it
    const walked = this.lines.findLastIndex((line) => INSN.test(line));
    const last = this.lines.findLastIndex(decides);
    this.at = last > walked ? last : this.lines.length;
    this.message = this.lines[this.at]?.trim() ?? '';
  }

  #insn(line: number): LogInsn | undefined {
    const found = INSN.exec(this.lines[line] ?? '');
    return found
      ? { line, index: Number(found[1]), text: (found[3] as string).trim(), state: found[4] ?? '' }
      : undefined;
  }

  /** Instructions of the path that led to the deciding line, the last first. */
  *insnsBack(from = this.at): Generator<LogInsn> {
    for (let line = from - 1; line >= 0; line--) {
      const branch = /^from (\d+) to \d+/.exec(this.lines[line] as string);
      // what stands in front of it is another path, down to where this one left it
      if (branch) line = this.#lineOf(Number(branch[1]), line);
      const insn = this.#insn(line);
      if (insn) yield insn;
    }
  }
  /** The line of an instruction, the last in front of `before`; -1 where there is none. */
  #lineOf(index: number, before: number): number {
    return this.lines.findLastIndex((text, line) => line < before && text.startsWith(`${index}: (`));
  }

  /** The instruction at which the verifier stopped. */
  get stop(): LogInsn | undefined {
    return this.insnsBack().next().value ?? undefined;
  }
  /** The C line of that instruction: `*n += 1; @ rejected.c:20`. */
  get source(): string | undefined {
    const { stop } = this;
    return this.lines
      .slice(0, stop ? stop.line + 1 : undefined)
      .findLast((line) => line.startsWith('; '))
      ?.slice(2);
  }

  /** Where a register got the value that it has where the verifier stopped, through the registers that it was moved by. */
  origin(register: string): LogInsn | undefined {
    let n = register.replace(/^R/, '');
    let found: LogInsn | undefined;
    let isStop = true;
    for (const insn of this.insnsBack()) {
      if (!isStop && n === '0' && /^call /.test(insn.text)) return insn;
      if (!isStop && destination(insn.text) === n) {
        found = insn;
        const moved = /^r\d+ = r(\d+)$/.exec(insn.text);
        if (!moved || moved[1] === '10' || moved[1] === '1') return insn;
        n = moved[1] as string;
      }
      isStop = false;
    }
    return found;
  }

  /** All instructions on the way of a register to its value, the last first: moves, and what they moved. */
  steps(register: string): { readonly insn: LogInsn; readonly register: string }[] {
    let n = register.replace(/^R/, '');
    const steps: { readonly insn: LogInsn; readonly register: string }[] = [];
    let isStop = true;
    for (const insn of this.insnsBack()) {
      const isCall = n === '0' && /^call /.test(insn.text);
      if (!isStop && (isCall || destination(insn.text) === n)) {
        steps.push({ insn, register: `r${n}` });
        const from = /^r\d+ = (?:\*\(\w+ \*\)\()?r(\d+)/.exec(insn.text)?.[1];
        const changes = /^[rw]\d+ (?:[-+*/%&|^]|<<|>>|s>>|s)=/.test(insn.text);
        if (isCall || (from === undefined && !changes)) return steps;
        if (from !== undefined) n = from;
      }
      isStop = false;
    }
    return steps;
  }

  /** The call after which a register that pointed into the packet no longer does. */
  movedPacket(register: string): LogInsn | undefined {
    const since = this.origin(register);
    for (const insn of this.insnsBack()) {
      if (since && insn.line <= since.line) break;
      if (MOVES_PACKET.test(insn.text)) return this.#wasPacket(register, insn.line) ? insn : undefined;
    }
    return undefined;
  }
  #wasPacket(register: string, before: number): boolean {
    const says = new RegExp(`\\b${register}(?:_[rwD]+)?=(\\w+)\\(`);
    for (let line = before; line >= 0; line--) {
      const found = says.exec(this.lines[line] ?? '');
      if (found) return (found[1] as string).startsWith('pkt');
    }
    return false;
  }

  /** What a register pointed to until a call released it. */
  released(register: string): { readonly type: string; readonly by: LogInsn } | undefined {
    const says = new RegExp(`\\b${register}(?:_[rwD]+)?=(\\w+)\\([^)]*ref_obj_id=`);
    let by: LogInsn | undefined;
    for (const insn of this.insnsBack()) {
      const type = says.exec(insn.state)?.[1];
      if (type !== undefined) return by && { type, by };
      if (RELEASES.test(insn.text)) by = insn;
    }
    return undefined;
  }
  /** The load of LD_ABS or LD_IND after which a register that was written before holds nothing: it clobbers what a call does. */
  clobbered(register: string): LogInsn | undefined {
    let by: LogInsn | undefined;
    let isStop = true;
    for (const insn of this.insnsBack()) {
      if (!isStop && destination(insn.text) === register.slice(1)) return by;
      if (/^r0 = \*\(u\d+ \*\)skb\[/.test(insn.text)) by = insn;
      isStop = false;
    }
    return undefined;
  }

  /** What the log last says of a register. */
  state(register: string): string | undefined {
    const says = new RegExp(`\\b${register}(?:_[rwD]+)?=(?=\\S)`);
    for (let line = this.at - 1; line >= 0; line--) {
      const text = this.lines[line] as string;
      const found = says.exec(text);
      if (found) return stateText(text, found.index + found[0].length);
    }
    return undefined;
  }
}

/** A state up to its closing parenthesis, or the next blank. */
export function stateText(line: string, from: number): string {
  let depth = 0;
  for (let at = from; at < line.length; at++) {
    const char = line[at];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ' ' && depth === 0) return line.slice(from, at);
  }
  return line.slice(from);
}

/** Calls that take a reference away. */
const RELEASES =
  /^call (?:bpf_\w*(?:release|submit|discard|_drop)\w*|bpf_kptr_xchg|bpf_list_push_\w+|bpf_rbtree_add\w*|\w+_put)#/;

/** Calls that may move the packet (bpf_helper_changes_pkt_data()). */
const MOVES_PACKET =
  /^call (?:bpf_(?:clone_redirect|l[34]_csum_replace|lwt_\w+|msg_(?:pop|pull|push)_data|skb_(?:adjust_room|change_\w+|pull_data|store_bytes|vlan_(?:pop|push))|store_hdr_opt|xdp_adjust_\w+)#|pc\+)/;

/** `instruction 12, r1 = *(u64 *)(r6 +8)` */
export const insnText = (insn: LogInsn): string => `instruction ${insn.index}, ${insn.text}`;
