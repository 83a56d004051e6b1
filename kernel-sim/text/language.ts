/**
 * The notation of the function tables: what a modelled kernel function does, in one line.
 *
 *     'ksys_read(fd, buf, count)': 'f:file = fdget_pos(fd); n = vfs_read(f, buf, count, f->f_pos)?; return result'
 *
 *     'f(a): int'           the C function returns int: of rax only the lower half is its value
 *     x = callee(a, b)      call; `x:file` says that x points to a struct file
 *     @name(a, b)           hypercall: the host does it; or machine code, where `assembly/` has one of that name
 *     *f(a, b)              call of the address in the variable f; nothing where it is 0
 *     trace event(a, b)     tracepoint site
 *     hook file_open(f)      the LSM's hook of that name, `bpf_lsm_file_open`: its error is what this function returns, and the system call
 *     ...?   ...!           only when the system call's recorded result is no error; only when it is
 *     ... if x              only when x is not 0; `y = f() if x` makes y 0 where x is 0, as `y = *f()` does where f is
 *     block                 the task waits here, where the recording has the call unfinished for a while
 *     return e              default: return 0
 *     %buf                  address of 64 bytes of the function's own stack (%address: 128); `%buf+8 = x` stores 8 bytes there
 *     preempt+ preempt-     preempt_disable, preempt_enable;  irq- irq+  cli, sti
 *     irqsave irqrestore    local_irq_save, local_irq_restore, a pair of them in a function
 *     bh+                   local_bh_disable;  softirq+ softirq-  a softirq is served from here to there
 *     hardirq+ hardirq-     an interrupt is handled from here to there
 *     loop  ... again if x  back to `loop` where x is not 0
 *
 * Operands: arguments and names assigned before, numbers, `result` (what the recording says the system call
 * returns), `current` (the running task), `p->field.path` where p's structure is known.
 */
import { KernelError } from '../core/errno.ts';
import { compiledName } from '../data/compiled-names.ts';

export type Operand =
  | { readonly kind: 'var'; readonly name: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'result' }
  | { readonly kind: 'current' }
  | { readonly kind: 'field'; readonly base: string; readonly path: string }
  | { readonly kind: 'buffer'; readonly name: string };

/** when the statement runs */
export type When = 'always' | 'ok' | 'error';

export type Statement =
  | {
      readonly kind: 'call' | 'hyper' | 'trace' | 'indirect' | 'hook';
      readonly target: string;
      readonly args: readonly Operand[];
      readonly to: string | undefined;
      readonly when: When;
      /** only where it is not 0 */
      readonly unlessZero: Operand | undefined;
    }
  | { readonly kind: 'return'; readonly value: Operand; readonly orResult: boolean }
  | { readonly kind: 'store'; readonly buffer: string; readonly offset: number; readonly value: Operand }
  | { readonly kind: 'block' }
  | { readonly kind: 'loop' }
  | { readonly kind: 'again'; readonly unlessZero: Operand }
  | { readonly kind: 'flag'; readonly what: Flag };

/** what a statement does to interrupts and to `preempt_count` (include/linux/preempt.h) */
export const FLAGS = [
  'preempt+',
  'preempt-',
  'irq+',
  'irq-',
  'irqsave',
  'irqrestore',
  'bh+',
  'softirq+',
  'softirq-',
  'hardirq+',
  'hardirq-',
] as const;
export type Flag = (typeof FLAGS)[number];
const isFlag = (word: string): word is Flag => (FLAGS as readonly string[]).includes(word);

export interface FunctionBody {
  readonly name: string;
  readonly params: readonly string[];
  /** returns 32 bits, behind which compiled code leaves zeros; else 64 */
  readonly returnsInt: boolean;
  /** structure that a variable points to, by variable */
  readonly types: ReadonlyMap<string, string>;
  readonly statements: readonly Statement[];
}

/** symbol of the function that a table key names */
export const functionName = (signature: string): string => compiledName(signature.slice(0, signature.indexOf('(')));
/** whether a table key says that the function returns int */
export const returnsInt = (signature: string): boolean => signature.endsWith(': int');

class LanguageError extends KernelError {
  override readonly name = 'LanguageError';
  constructor(where: string, what: string) {
    super('EINVAL', `function table, ${where}: ${what}`);
  }
}

const CALL = /^(?:(\w+)(?::(\w+))?\s*=\s*)?(@|\*|trace |hook )?([\w.]+)\((.*?)\)([?!])?(?: if ([\w>.-]+))?$/;

const KINDS: Readonly<Record<string, 'call' | 'hyper' | 'trace' | 'indirect' | 'hook'>> = {
  '': 'call',
  '@': 'hyper',
  '*': 'indirect',
  'trace ': 'trace',
  'hook ': 'hook',
};
const STORE = /^%(\w+)\+(\d+)\s*=\s*(.+)$/;

/** Parses one row. @throws LanguageError naming the row */
export function parseFunction(signature: string, text: string): FunctionBody {
  const name = functionName(signature);
  const types = new Map<string, string>();
  const declare = (spelled: string): string => {
    const [variable, type] = spelled.trim().split(':') as [string, string | undefined];
    if (type) types.set(variable, type);
    return variable;
  };
  const params = signature
    .slice(signature.indexOf('(') + 1, signature.lastIndexOf(')'))
    .split(',')
    .filter((p) => p.trim() !== '')
    .map(declare);
  const known = new Set(params);
  const operand = (spelled: string): Operand => {
    const s = spelled.trim();
    if (s === 'result') return { kind: 'result' };
    if (s === 'current') return { kind: 'current' };
    if (s.startsWith('%')) return { kind: 'buffer', name: s.slice(1) };
    if (/^-?(0x[0-9a-f]+|\d+)$/.test(s)) return { kind: 'number', value: Number(s) };
    const arrow = s.indexOf('->');
    const base = arrow < 0 ? s : s.slice(0, arrow);
    if (base === 'current' && arrow > 0) return { kind: 'field', base, path: s.slice(arrow + 2) };
    if (!known.has(base)) throw new LanguageError(name, `'${base}' is not known here`);
    if (arrow < 0) return { kind: 'var', name: s };
    if (!types.has(base)) throw new LanguageError(name, `'${base}' points to no known structure`);
    return { kind: 'field', base, path: s.slice(arrow + 2) };
  };
  const statements: Statement[] = [];
  for (const raw of text.split(';')) {
    const s = raw.trim();
    if (s === '') continue;
    if (isFlag(s)) {
      statements.push({ kind: 'flag', what: s });
      continue;
    }
    if (s === 'block') {
      statements.push({ kind: 'block' });
      continue;
    }
    if (s === 'loop') {
      statements.push({ kind: 'loop' });
      continue;
    }
    if (s.startsWith('again if ')) {
      if (!statements.some(({ kind }) => kind === 'loop')) throw new LanguageError(name, `'${s}' without a loop`);
      statements.push({ kind: 'again', unlessZero: operand(s.slice(9)) });
      continue;
    }
    if (s.startsWith('return ')) {
      const value = s.slice(7).trim();
      const orResult = value.endsWith(' or result');
      statements.push({ kind: 'return', value: operand(orResult ? value.slice(0, -10) : value), orResult });
      continue;
    }
    const put = STORE.exec(s);
    if (put) {
      statements.push({
        kind: 'store',
        buffer: put[1] as string,
        offset: Number(put[2]),
        value: operand(put[3] as string),
      });
      continue;
    }
    const m = CALL.exec(s);
    if (!m) throw new LanguageError(name, `cannot read '${s}'`);
    const args = (m[5] as string)
      .split(',')
      .filter((a) => a.trim() !== '')
      .map(operand);
    if (args.length > 6) throw new LanguageError(name, `'${s}' has more than six arguments`);
    const to = m[1];
    if (to !== undefined) {
      known.add(to);
      if (m[2]) types.set(to, m[2]);
    }
    const kind = KINDS[m[3] ?? ''] as 'call';
    statements.push({
      kind,
      target: kind === 'call' ? compiledName(m[4] as string) : (m[4] as string),
      args,
      to,
      when: m[6] === '?' ? 'ok' : m[6] === '!' ? 'error' : 'always',
      unlessZero: m[7] === undefined ? undefined : operand(m[7]),
    });
  }
  return { name, params, returnsInt: returnsInt(signature), types, statements };
}
