/** Which kfuncs each program type may call, against btf_kfunc_id_set_contains() of the real kernel. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { kfuncRow, mayCallKfunc } from '../../../kernel-sim/bpf/kfuncs/index.ts';
import { KFUNCS } from '../../../kernel-sim/bpf/kfuncs/table.ts';
import { attachType, progType } from '../../../src/uapi/index.ts';

const BITS: Record<string, number> = {
  ACQUIRE: 0,
  RELEASE: 1,
  RET_NULL: 2,
  TRUSTED_ARGS: 4,
  SLEEPABLE: 5,
  DESTRUCTIVE: 6,
  RCU: 7,
  ITER_NEW: 8,
  ITER_NEXT: 9,
  ITER_DESTROY: 10,
  RCU_PROTECTED: 11,
  FASTCALL: 12,
};
const flags = (text: string): number =>
  text === '' ? 0 : text.split(' ').reduce((n, f) => n | (1 << (BITS[f] ?? 31)), 0);

describe('kfuncs by program type', () => {
  for (const line of readFileSync(new URL('golden/kfuncs.txt', import.meta.url), 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [type = '', attach = '', ...rest] = line.split(' ');
    test(`${type} ${attach}`, () => {
      const theirs = rest.sort();
      const ours = KFUNCS.filter((k) => mayCallKfunc(k, progType(type), attachType(attach))).map(
        (k) => `${k.name}=${flags(k.flags)}`,
      );
      expect(ours.sort()).toEqual(theirs);
    });
  }
  test('an unknown function has no row', () => expect(kfuncRow('do_exit')).toBeUndefined());
});
