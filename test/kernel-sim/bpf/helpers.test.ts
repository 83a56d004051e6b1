/** The helper tables against what the real kernel's get_func_proto and prototypes say. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  FUNC_MAX_ID,
  helperName,
  helperRow,
  helperRows,
  lookupHelper,
  protoOf,
} from '../../../kernel-sim/bpf/helpers/index.ts';
import { attachType, progType } from '../../../src/uapi/index.ts';
import type { HelperArg, TypeFlag } from '../../../src/verifier/kernel.ts';
import { holdFigures } from '../../support/figures.ts';

const golden = (name: string): string[] =>
  readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const CAPS: Record<string, { bpf: boolean; perfmon: boolean; netAdmin: boolean; sysAdmin: boolean }> = {
  all: { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true },
  none: { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false },
  bpf: { bpf: true, perfmon: false, netAdmin: true, sysAdmin: false },
  'bpf+perfmon': { bpf: true, perfmon: true, netAdmin: true, sysAdmin: false },
};

describe('helpers by program type', () => {
  let cases = 0;
  for (const line of golden('helpers-by-program.txt')) {
    const [type = '', attach = '', sleepable = '', caps = '', ...rest] = line.split(' ');
    const expected = new Map(rest.map((r) => [Number(r.split('=')[0]), r.split('=')[1]]));
    test(`${type} ${attach}${sleepable === '1' ? ' sleepable' : ''}, capabilities: ${caps}`, () => {
      const wrong: string[] = [];
      for (let id = 1; id < FUNC_MAX_ID; id++) {
        const row = helperRow(id, {
          type: progType(type),
          expectedAttachType: attachType(attach),
          sleepable: sleepable === '1',
          ...(CAPS[caps] ? { caps: CAPS[caps] } : {}),
        });
        const symbol = row === undefined ? undefined : (protoOf(row).symbol ?? '-');
        if (symbol !== expected.get(id))
          wrong.push(`${helperName(id)}: ours ${symbol}, the kernel's ${expected.get(id)}`);
        cases++;
      }
      expect(wrong).toEqual([]);
    });
  }
  test('every helper of 6.12 has a row', () => {
    holdFigures('helpers', 'get_func_proto', {
      combinations: golden('helpers-by-program.txt').length,
      helpers: FUNC_MAX_ID - 1,
      cases,
    });
    for (let id = 1; id < FUNC_MAX_ID; id++) expect(helperRows(id), String(id)).not.toEqual([]);
  });
});

const ARG_TYPES = [
  'DONTCARE',
  'CONST_MAP_PTR',
  'PTR_TO_MAP_KEY',
  'PTR_TO_MAP_VALUE',
  'PTR_TO_MEM',
  'PTR_TO_ARENA',
  'CONST_SIZE',
  'CONST_SIZE_OR_ZERO',
  'PTR_TO_CTX',
  'ANYTHING',
  'SCALAR',
  'PTR_TO_SPIN_LOCK',
  'PTR_TO_SOCK_COMMON',
  'PTR_TO_SOCKET',
  'PTR_TO_BTF_ID',
  'PTR_TO_RINGBUF_MEM',
  'CONST_ALLOC_SIZE_OR_ZERO',
  'PTR_TO_BTF_ID_SOCK_COMMON',
  'PTR_TO_PERCPU_BTF_ID',
  'PTR_TO_FUNC',
  'PTR_TO_STACK',
  'PTR_TO_CONST_STR',
  'PTR_TO_TIMER',
  'KPTR_XCHG_DEST',
  'PTR_TO_DYNPTR',
];
const RET_TYPES = [
  'INTEGER',
  'VOID',
  'PTR_TO_MAP_VALUE',
  'PTR_TO_SOCKET',
  'PTR_TO_TCP_SOCK',
  'PTR_TO_SOCK_COMMON',
  'PTR_TO_MEM',
  'PTR_TO_MEM_OR_BTF_ID',
  'PTR_TO_BTF_ID',
];
const FLAGS: TypeFlag[] = [
  'PTR_MAYBE_NULL',
  'MEM_RDONLY',
  'MEM_RINGBUF',
  'MEM_USER',
  'MEM_PERCPU',
  'OBJ_RELEASE',
  'PTR_UNTRUSTED',
  'MEM_UNINIT',
  'DYNPTR_TYPE_LOCAL',
  'DYNPTR_TYPE_RINGBUF',
  'MEM_FIXED_SIZE',
  'MEM_ALLOC',
  'PTR_TRUSTED',
  'MEM_RCU',
  'NON_OWN_REF',
  'DYNPTR_TYPE_SKB',
  'DYNPTR_TYPE_XDP',
  'MEM_ALIGNED',
  'MEM_WRITE',
];
const number = (base: number, flags: readonly TypeFlag[]): number =>
  flags.reduce((n, f) => n + 2 ** (8 + FLAGS.indexOf(f)), base);
const argNumber = (a: HelperArg): string => `${number(ARG_TYPES.indexOf(a.type.slice(4)), a.flags)}:${a.size ?? 0}`;

test('prototypes are those in the memory of the kernel', () => {
  const ours = new Set<string>();
  for (let id = 1; id < FUNC_MAX_ID; id++)
    for (const row of helperRows(id)) {
      const p = protoOf(row);
      const flags = [p.gplOnly, p.pktAccess, p.mightSleep, p.fastcall].map((f) => (f ? 1 : 0)).join('');
      const args = [0, 1, 2, 3, 4].map((n) => (p.args[n] ? argNumber(p.args[n]) : '0:0')).join(' ');
      ours.add(`${id} ${p.symbol ?? '-'} ${flags} ${number(RET_TYPES.indexOf(p.ret.slice(4)), p.retFlags)} ${args}`);
    }
  expect(golden('helper-protos.txt').filter((line) => !ours.has(line))).toEqual([]);
});

test('an id outside the table is invalid, one that the type lacks is unknown', () => {
  expect(lookupHelper(212, { type: 1, expectedAttachType: 0 })).toEqual({ ok: false, reason: 'invalid' });
  expect(lookupHelper(44, { type: 1, expectedAttachType: 0 })).toEqual({ ok: false, reason: 'unknown' });
  expect(lookupHelper(58, { type: 2, expectedAttachType: 0 })).toEqual({ ok: false, reason: 'unknown' });
  expect(helperName(58)).toBe('override_return');
  expect(helperName(0)).toBe('unspec');
  expect(helperName(9999)).toBe('unknown');
});
