/**
 * The verifier's rules, one by one: the texts of rules/*.txt, a file for each family. A case has the state before, the
 * instructions, and then either the state in which each path ends, or the line that refuses. See rules/README.md.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RejectionLog } from '../../src/explain/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { newFrame } from '../../src/verifier/calls/func.ts';
import { type Bounds, UNKNOWN } from '../../src/verifier/domain/bounds.ts';
import { sync } from '../../src/verifier/domain/sync.ts';
import { tnum } from '../../src/verifier/domain/tnum.ts';
import { s64, u64 } from '../../src/verifier/domain/u64.ts';
import { Env } from '../../src/verifier/env/env.ts';
import { Reject } from '../../src/verifier/env/reject.ts';
import { checkCfg } from '../../src/verifier/prep/cfg.ts';
import { resolveWideLoads } from '../../src/verifier/prep/ldimm64.ts';
import { checkJumps, discoverSubprogs } from '../../src/verifier/prep/subprogs.ts';
import type { Reg } from '../../src/verifier/state/reg.ts';
import * as R from '../../src/verifier/state/regtype.ts';
import { byteOf, SLOT_CHARS, SLOT_SIZE, spiOf } from '../../src/verifier/state/stack.ts';
import { MAIN_FUNC, VerifierState } from '../../src/verifier/state/state.ts';
import { walk } from '../../src/verifier/walk/check.ts';
import { inputOf, type RawRecord } from './oracle.ts';

interface Case {
  title: string;
  /** `xdp`, `socket_filter`, … */
  program: string;
  isPrivileged: boolean;
  hasMitigations: boolean;
  /** BPF_F_TEST_STATE_FREQ: every state at a jump or its target is kept */
  keepsStates: boolean;
  before: string;
  code: string;
  after: string[];
  message: string | undefined;
}

const BPF_F_TEST_STATE_FREQ = 8;
const TYPES: Readonly<Record<string, number>> = {
  socket_filter: 1,
  kprobe: 2,
  sched_cls: 3,
  tracepoint: 5,
  xdp: 6,
  cgroup_skb: 8,
};
/** What map 100 is, to which cases refer as map_value(): an array of one value of 48 bytes; and 101: a hash of 16. */
const MAPS: NonNullable<RawRecord['maps']> = [
  { type: 2, key_size: 4, value_size: 48, max_entries: 1 },
  { type: 1, key_size: 8, value_size: 16, max_entries: 8 },
];

const PLAIN: Omit<Case, 'title' | 'after'> = {
  program: 'xdp',
  isPrivileged: true,
  hasMitigations: false,
  keepsStates: false,
  before: '',
  code: '',
  message: undefined,
};

/** `key: value` lines, indented lines of code, cases begun by `== title`. */
function parse(text: string): Case[] {
  const cases: Case[] = [];
  for (const line of text.split('\n')) {
    const one = cases.at(-1);
    const [, key, value = ''] = /^(\w+): ?(.*)$/.exec(line) ?? [];
    if (line.startsWith('== ')) {
      const title = line.slice(3);
      cases.push({ ...PLAIN, title, after: [] });
    } else if (!one || line.trim() === '' || line.startsWith('#')) continue;
    else if (line.startsWith('  ')) one.code += `${line.trim()}\n`;
    else if (key === 'program') one.program = value;
    else if (key === 'privileges') one.isPrivileged = value !== 'none';
    else if (key === 'mitigations') one.hasMitigations = value === 'on';
    else if (key === 'states') one.keepsStates = value === 'every';
    else if (key === 'before') one.before += ` ${value}`;
    else if (key === 'after') one.after.push(value);
    else if (key === 'message') one.message = value;
    else throw new Error(`${one.title}: what is "${line}"?`);
  }
  return cases;
}

/** `R1=scalar(umax=255,var_off=(0x0; 0xff)) fp-8=mmmm????` as pairs: values have spaces in parentheses only. */
const pairs = (state: string): [string, string][] =>
  [...state.matchAll(/(R\d+|fp-\d+)\w*=((?:\((?:[^()]|\([^()]*\))*\)|[^\s()])+)/g)].map(([, k = '', v = '']) => [k, v]);

/** as the log has them */
const WORDS = new Map(Array.from({ length: R.CONST_PTR_TO_DYNPTR }, (_, n) => [R.typeText(n + 1), n + 1]));

const LIMITS = { smin: 'smin', smax: 'smax', umin: 'umin', umax: 'umax' } as const;

function bounds(text: string): Bounds {
  const b = UNKNOWN.copy();
  const bits = /var_off=\((0x[0-9a-f]+); (0x[0-9a-f]+)\)/.exec(text);
  if (bits) b.tnum = tnum(BigInt(bits[1] as string), BigInt(bits[2] as string));
  for (const field of Object.values(LIMITS)) {
    const value = new RegExp(`\\b${field}=(-?\\w+)`).exec(text)?.[1];
    if (value !== undefined) b[field] = field.startsWith('s') ? s64(BigInt(value)) : u64(BigInt(value));
  }
  return sync(b);
}

const number = (text: string, field: string): number => Number(new RegExp(`\\b${field}=(-?\\d+)`).exec(text)?.[1] ?? 0);

function setReg(env: Env, reg: Reg, text: string): void {
  if (/^-?\d+$/.test(text)) {
    env.markUnknown(reg);
    reg.markKnown(u64(BigInt(text)));
    return;
  }
  const [, name = '', fields = ''] = /^([a-z_]+)(?:\((.*)\)|-?\d+)?$/.exec(text) ?? [];
  const type = WORDS.get(name.replace('_or_null', ''));
  if (type === undefined) throw new Error(`what is a ${text}?`);
  if (type === R.SCALAR_VALUE) {
    env.markUnknown(reg);
    reg.v = bounds(fields);
    reg.id = number(fields, 'id');
    return;
  }
  reg.markKnown(0n);
  if (/min|max|var_off/.test(fields)) reg.v = bounds(fields);
  reg.type = type | (name.endsWith('_or_null') ? R.PTR_MAYBE_NULL : 0);
  reg.off = type === R.PTR_TO_STACK ? Number(text.slice(2)) : number(fields, 'off');
  reg.range = number(fields, 'r');
  reg.memSize = number(fields, 'sz');
  reg.id = number(fields, 'id');
  if (R.isMapPointer(R.baseType(type))) reg.map = env.kernel.mapByFd(100 + number(fields, 'map'));
  env.idGen = Math.max(env.idGen, reg.id);
}

function prepare(env: Env, before: string): void {
  discoverSubprogs(env);
  checkJumps(env);
  resolveWideLoads(env);
  checkCfg(env);
  const state = new VerifierState();
  state.branches = 1;
  state.lastInsnIdx = -1;
  const frame = newFrame(env, MAIN_FUNC, 0, 0);
  state.frames = [frame];
  env.cur = state;
  env.insnIdx = 0;
  env.explored = [];
  frame.reg(1).markKnown(0n);
  frame.reg(1).type = R.PTR_TO_CTX;
  for (const [place, value] of pairs(before)) {
    if (place.startsWith('R')) {
      setReg(env, frame.reg(Number(place.slice(1))), value);
      continue;
    }
    const off = Number(place.slice(2));
    frame.grow(-off);
    const slot = frame.slot(spiOf(off));
    if (/^[?rm0]{8}$/.test(value)) {
      for (let n = 0; n < SLOT_SIZE; n++) slot.setType(n, SLOT_CHARS.indexOf(value[n] as string));
    } else {
      setReg(env, slot.reg, value);
      for (let n = 0; n < SLOT_SIZE; n++) slot.setType(byteOf(off + n), SLOT_CHARS.indexOf('r'));
    }
  }
}

/** What registers and stack hold where each path ends, by what the log says changed. */
function pathsOf(log: string): Outcome['paths'] {
  const paths: Outcome['paths'] = [];
  let now = new Map<string, string>();
  for (const line of log.split('\n')) {
    const [, from, state] = /^(from \d+ to )?\d+: (?!\()(.*)$/.exec(line) ?? [];
    const [, insn, changed = ''] = /^\d+: (\([0-9a-f]{2}\) .*?)(?:\s+; (.*))?$/.exec(line) ?? [];
    if (from) now = new Map();
    if (state === 'safe') paths.push('pruned');
    for (const [place, value] of pairs(state ?? changed)) now.set(place, value);
    if (insn === '(95) exit') paths.push(new Map(now));
  }
  return paths;
}

interface Outcome {
  /** what each path ends with; `pruned` where it met a state that was seen before */
  readonly paths: (Map<string, string> | 'pruned')[];
  readonly log: string;
  readonly errno: string | undefined;
}

function run(one: Case): Outcome {
  const code = /\bexit\n$/.test(one.code) ? one.code : `${one.code}r0 = 0\nexit\n`;
  const insns = Buffer.from(writeInsns(assemble(code).insns)).toString('hex');
  const type = TYPES[one.program];
  if (type === undefined) throw new Error(`${one.title}: which program type is ${one.program}?`);
  const input = inputOf({
    name: 'rule',
    prog_type: type,
    flags: one.keepsStates ? BPF_F_TEST_STATE_FREQ : 0,
    insns,
    maps: MAPS,
    unpriv: !one.isPrivileged,
    kernel: { loaded: true, errno: 0 },
  });
  const env = new Env({ ...input, mitigations: one.hasMitigations });
  let errno: string | undefined;
  try {
    prepare(env, one.before);
    walk(env);
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    ({ errno } = e);
  }
  const log = env.log.take();
  return { paths: pathsOf(log), log, errno };
}

const folder = new URL('rules/', import.meta.url);
for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  describe(file.slice(0, -4), () => {
    it.each(parse(readFileSync(new URL(file, folder), 'utf8')).map((one) => [one.title, one] as const))(
      '%s',
      (_, one) => {
        const { paths, log, errno } = run(one);
        if (one.message !== undefined) {
          expect(`${errno} ${new RejectionLog(log).message}`, log).toBe(one.message);
          return;
        }
        expect(errno, log).toBeUndefined();
        const ends = paths.map((path, n) => {
          if (path === 'pruned') return path;
          // only what the case asks about
          const asked = pairs(one.after[n] ?? '').map(([place]) => place);
          return asked.map((place) => `${place}=${path.get(place) ?? '?'}`).join(' ');
        });
        expect(ends, log).toEqual(one.after);
      },
    );
  });
}
