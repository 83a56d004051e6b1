/**
 * The verifier's states by instruction, from its log at level 2: lines `3: (85) call ... ; R0_w=...` tell what an
 * instruction changes, lines `from 5 to 9: R0=... R10=fp0` and `0: R1=ctx() R10=fp0` whole states.
 */

/** Registers and stack slots by name (`R1`, `fp-8`) to what the verifier knows of them. */
export type VerifierState = ReadonlyMap<string, string>;

const INSN = /^(\d+): \([0-9a-f]{2}\) [^;]*(?:;\s*(.*))?$/;
const STATE = /^(?:from \d+ to )?(\d+): (R\d.*|fp-.*)$/;
/** `R1_w=scalar(...)`, `fp-8=mmmmmmmm`; parentheses nest */
const NAME = /(R\d+|fp-\d+)(?:_[a-zA-Z]+)?=/y;

const ARGUMENTS = ['R1', 'R2', 'R3', 'R4', 'R5'];

/** One instruction as the log walks over it. */
export interface VerifierStep {
  /** line of the log, from 0 */
  readonly line: number;
  /** instruction of the program as loaded */
  readonly insn: number;
  /** `(85) call bpf_map_lookup_elem#1` */
  readonly text: string;
  /** the C line above it: `*n += 1; @ rejected.c:20` */
  readonly source: string | undefined;
  /** what is known in front of it */
  readonly before: VerifierState;
  /** what the log says that it changes */
  readonly changes: VerifierState;
}

/** The instructions of a log in the order in which the verifier walked over them, with their states. */
export function verifierSteps(log: string): VerifierStep[] {
  const steps: VerifierStep[] = [];
  let state = new Map<string, string>();
  let source: string | undefined;
  for (const [n, text] of log.split('\n').entries()) {
    const insn = INSN.exec(text);
    if (insn) {
      const changes = new Map(entries(insn[2] ?? ''));
      const words = text.slice(text.indexOf('(')).replace(/\s*;.*$/, '');
      steps.push({ line: n, insn: Number(insn[1]), text: words, source, before: state, changes });
      state = new Map([...state, ...changes]);
      // a call leaves nothing in the registers of its arguments, of which the log says no word
      if (/^\(85\) call /.test(words)) for (const name of ARGUMENTS) if (!changes.has(name)) state.delete(name);
      continue;
    }
    if (text.startsWith('; ')) source = text.slice(2);
    const whole = STATE.exec(text);
    if (whole) state = new Map(entries(whole[2] as string));
  }
  return steps;
}

/** For each slot of the program as loaded, the states in front of it, one a path, without repetitions. */
export function verifierStates(log: string): ReadonlyMap<number, readonly VerifierState[]> {
  const all = new Map<number, VerifierState[]>();
  for (const { insn, before } of verifierSteps(log)) remember(all, insn, before);
  return all;
}

function remember(all: Map<number, VerifierState[]>, slot: number, state: VerifierState): void {
  const known = all.get(slot);
  if (known === undefined) all.set(slot, [state]);
  else if (!known.some((k) => same(k, state))) known.push(state);
}
const same = (a: VerifierState, b: VerifierState): boolean =>
  a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);

function* entries(text: string): IterableIterator<[string, string]> {
  for (let at = 0; at < text.length; ) {
    NAME.lastIndex = at;
    const m = NAME.exec(text);
    if (m === null) {
      at++;
      continue;
    }
    let end = NAME.lastIndex;
    for (let depth = 0; end < text.length && (depth > 0 || text[end] !== ' '); end++) {
      if (text[end] === '(') depth++;
      else if (text[end] === ')') depth--;
    }
    yield [m[1] as string, text.slice(NAME.lastIndex, end)];
    at = end;
  }
}

/**
 * Whether a value is among those that a state's text allows: undefined where the text says nothing of numbers, as for
 * pointers.
 */
export function allows(text: string, value: bigint): boolean | undefined {
  if (/^-?\d+$|^0x[0-9a-f]+$/.test(text)) return BigInt.asUintN(64, BigInt(text)) === value;
  if (text.startsWith('P')) return allows(text.slice(1), value);
  const m = /^scalar\((.*)\)$/.exec(text);
  if (!m) return text === 'scalar()' ? true : undefined;
  for (const part of (m[1] as string).split(/,(?![^(]*\))/)) {
    const bounds = /^((?:[su](?:min|max)(?:32)?=)+)(-?(?:0x[0-9a-f]+|\d+))$/.exec(part.trim());
    if (bounds) {
      const bound = bigOf(bounds[2] as string);
      for (const name of (bounds[1] as string).split('=').filter((n) => n !== ''))
        if (!within(name, bound, value)) return false;
      continue;
    }
    const tnum = /^var_off=\((0x[0-9a-f]+); (0x[0-9a-f]+)\)$/.exec(part.trim());
    if (tnum && (value & ~BigInt(tnum[2] as string)) !== BigInt(tnum[1] as string)) return false;
  }
  return true;
}
const bigOf = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

function within(name: string, bound: bigint, value: bigint): boolean {
  const bits = name.endsWith('32') ? 32 : 64;
  const signed = name.startsWith('s');
  const v = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  const b = signed ? BigInt.asIntN(bits, bound) : BigInt.asUintN(bits, bound);
  return name.includes('min') ? v >= b : v <= b;
}
