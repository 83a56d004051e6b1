/**
 * Every instruction in images that Linux's JIT made is one that the translator knows, so that no translated program
 * leaves for the stepper in its middle: the goldens of test/jit, and its whole corpus where that is at hand.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DYNAMIC } from '../../src/machine/translate/ir/uop.ts';
import { lift, liftStackSwitch, liftTarget } from '../../src/machine/translate/lift/lift.ts';
import { Lifter } from '../../src/machine/translate/lift/lifter.ts';
import { decode, form, formatInsn } from '../../src/x86/index.ts';
import { parseGoldens } from '../jit/golden.ts';
import type { JitRecord } from '../jit/oracle.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';
import { CODE } from './support.ts';

const DIRECT = /^(j\w+|call) rel/;
const INDIRECT = /^(jmp|call) r/;
/** `ud2` is there to fault; `int3` follows what does not return */
const FAULTS: ReadonlySet<string> = new Set(['int3', 'ud2']);

/** Forms in an image, and those that are not lifted, with an example each. */
function check(image: Uint8Array, forms: Set<string>, missing: Map<string, string>): void {
  const lifter = new Lifter({ dynamicBp: false, classOf: (_, guess) => guess, gsBase: 0 });
  for (let at = 0; at < image.length; ) {
    const insn = decode(image, at);
    if (insn.row < 0) throw new Error(`no instruction at ${at}`);
    const f = form(insn.row);
    const rip = CODE + at;
    at += insn.length;
    forms.add(f.syntax);
    if (DIRECT.test(f.syntax) || f.mnemonic === 'ret' || FAULTS.has(f.mnemonic)) continue;
    const d = { rip, next: rip + insn.length, insn, form: f };
    // in the middle of a function with a frame, and with rbp used for something else
    const lifted = [-32, DYNAMIC].some((bp) => {
      lifter.begin({ sp: -64, bp, saved: new Map(), stackish: 0 });
      lifter.d = d;
      if (INDIRECT.test(f.syntax)) return liftTarget(lifter, d) !== undefined;
      return lift(lifter, d) || liftStackSwitch(lifter, d) !== undefined;
    });
    if (!lifted) missing.set(f.syntax, formatInsn(insn));
  }
}

function checkAll(records: readonly JitRecord[]): { forms: Set<string>; missing: Map<string, string> } {
  const forms = new Set<string>();
  const missing = new Map<string, string>();
  for (const record of records) check(fromHex(record.jited), forms, missing);
  return { forms, missing };
}

describe('instructions of Linux’s BPF JIT', () => {
  it('are all translated: the goldens', () => {
    const folder = new URL('../jit/golden/', import.meta.url);
    const records = readdirSync(folder).flatMap((name) => parseGoldens(readFileSync(new URL(name, folder), 'utf8')));
    const { forms, missing } = checkAll(records);
    expect([...missing]).toEqual([]);
    expect(forms.size).toBeGreaterThan(100);
  });

  it.runIf(haveShared)('are all translated: every image of a real kernel', () => {
    const { forms, missing } = checkAll(readJsonl<JitRecord>('conformance/jit/programs.jsonl.gz'));
    expect([...missing]).toEqual([]);
    expect(forms.size).toBeGreaterThan(100);
  });
});
