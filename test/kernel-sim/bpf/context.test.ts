/** Contexts against the real kernel's is_valid_access and convert_ctx_access, every offset and size. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type ContextEnv, layoutOf, pointerModel } from '../../../kernel-sim/bpf/context/index.ts';
import { contextModel } from '../../../kernel-sim/bpf/prog/types.ts';
import { Btf } from '../../../src/btf/index.ts';
import { readInsns, writeInsns } from '../../../src/isa/index.ts';
import { attachType, progType } from '../../../src/uapi/index.ts';
import type { ContextModel, TypeFlag } from '../../../src/verifier/kernel.ts';
import { haveShared, readShared } from '../../support/shared.ts';

interface Block {
  readonly type: string;
  readonly attach: string;
  readonly lines: string[];
}

function blocks(): Block[] {
  const out: Block[] = [];
  for (const line of readFileSync(new URL('golden/contexts.txt', import.meta.url), 'utf8').split('\n')) {
    if (line.startsWith('@ ')) {
      const [names = '', same] = line.slice(2).split(' = ');
      const [type = '', attach = ''] = names.split(' ');
      const from = same === undefined ? undefined : out.find((b) => `${b.type} ${b.attach}` === same);
      out.push({ type, attach, lines: from ? from.lines : [] });
    } else if (/^[acp] /.test(line)) out.at(-1)?.lines.push(line);
  }
  return out;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const insns = (text: string) => readInsns(Uint8Array.from(Buffer.from(text, 'hex')));
const FLAG_BITS: Partial<Record<TypeFlag, number>> = { PTR_MAYBE_NULL: 1, PTR_TRUSTED: 1 << 12 };

/** One line of the golden for what our model allows at an offset. */
function accesses(model: ContextModel, off: number, attach: number): string {
  const out: string[] = [];
  for (const size of [1, 2, 4, 8])
    for (const write of [false, true]) {
      const a = model.access(off, size, write, attach);
      if (a === undefined) continue;
      const flags = (a.regFlags ?? []).reduce((n, f) => n | (FLAG_BITS[f] ?? 0), 0);
      const type = a.regType === 'SCALAR_VALUE' ? '' : `:${a.regType}${flags ? `+${flags.toString(16)}` : ''}`;
      out.push(`${write ? 'W' : 'R'}${size}${type}${a.ctxFieldSize && !write ? `/${a.ctxFieldSize}` : ''}`);
    }
  return out.join(' ');
}

describe.skipIf(!haveShared)('contexts', () => {
  const layout = haveShared
    ? layoutOf(Btf.parse(readShared('reference/6.12/vmlinux.btf.gz')))
    : layoutOf({ offsetOf: () => ({}) as never });
  for (const { type, attach, lines } of blocks()) {
    test(`${type} ${attach}`, () => {
      const number = attach === '-' ? 0 : attachType(attach);
      const env: ContextEnv = { layout, symbol: () => undefined, callBase: 0n, attach: number, scope: {} };
      const make = (): ContextModel | undefined =>
        type.startsWith('PTR_TO_') ? pointerModel(type, env) : contextModel(progType(type), env);
      const model = make();
      expect(model).toBeDefined();
      if (model === undefined) return;
      const wrong: string[] = [];
      const theirs = new Map(
        lines.filter((l) => l.startsWith('a ')).map((l) => [Number(l.split(' ')[1]), l.split(' ').slice(2).join(' ')]),
      );
      const last = Math.max(...theirs.keys());
      const sparse = last > 1000 || ['raw_tracepoint', 'raw_tracepoint_writable'].includes(type);
      const offsets = sparse ? [...theirs.keys()] : Array.from({ length: last + 16 }, (_, n) => n - 8);
      for (const off of offsets) {
        const ours = accesses(model, off, number);
        const real = theirs.get(off) ?? '';
        if (ours !== real) wrong.push(`offset ${off}: ours '${ours}', the kernel's '${real}'`);
      }
      for (const line of lines) {
        const [kind, from = '', to = '', size = '0'] = line.split(' ');
        if (kind === 'c') {
          const i = insns(from)[0];
          if (i === undefined) continue;
          const target = { size: 0 };
          const ours = hex(writeInsns(model.convert?.(i, target) ?? [i]));
          if (ours !== to) wrong.push(`${from} at ${i.off}: ours ${ours}, the kernel's ${to}`);
          const narrow = model.access(i.off, 1, false, number)?.ctxFieldSize;
          if (narrow && (i.code & 7) === 1 && target.size !== Number(size))
            wrong.push(`${from}: target size ${target.size}, the kernel's ${size}`);
        }
      }
      const prologues = lines.filter((l) => l.startsWith('p ')).map((l) => l.split(' ')[1]);
      const first = insns('bf16000000000000')[0];
      if (first)
        [false, true].forEach((direct, n) => {
          const ours = hex(writeInsns(model.prologue?.(direct, first) ?? [])) || '-';
          // the kernel's answer ends with the program's first instruction, which its caller had not set
          if (prologues[n] !== undefined && ours.replace(/bf16000000000000$/, '0000000000000000') !== prologues[n])
            wrong.push(`prologue ${ours}, the kernel's ${prologues[n]}`);
        });
      expect(wrong).toEqual([]);
    });
  }
});
