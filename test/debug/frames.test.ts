/** The call stack, held against the calls and returns that were executed on the way. */
import { describe, expect, it } from 'vitest';
import { readMemory } from '../../src/debug/index.ts';
import type { Frame } from '../../src/debug/session/frames.ts';
import { decode, form } from '../../src/x86/index.ts';
import { first } from '../support/depth.ts';
import { openSession } from './support.ts';

describe('the call stack', () => {
  for (const name of first(1, ['opens.o', 'openret.o', 'opensnoop.o', 'execs.o']))
    it(`of ${name} is that of the calls that were not returned from, at every instruction`, async () => {
      const session = await openSession(name);
      const { kernel } = session;
      const { cpu } = kernel;
      // from a system call on, until the next
      await session.move({ kind: 'event', back: true });
      const { pid } = session.stop.task;
      /** where return addresses lie */
      let calls: number[] = [];
      let checked = 0;
      const wrong: string[] = [];
      for (let n = 0; n < 1500; n++) {
        if (kernel.tasks.current.pid !== pid) break;
        if (cpu.cpl === 3) {
          if (n > 100) break;
          calls = [];
        } else {
          const before = cpu.rip;
          const bytes = readMemory(session, cpu.rip, 15);
          const insn = decode(bytes, 0);
          const kind = insn.row < 0 ? '' : form(insn.row).mnemonic;
          const at = session.frames.map((f) => f.returnAt).filter((a) => a !== undefined);
          if (at.length !== calls.length || !calls.every((c, i) => at[calls.length - 1 - i] === c))
            wrong.push(`${session.places.name(before)}: ${at.length} of ${calls.length}`);
          checked++;
          const rsp = cpu.reg(4);
          await session.move({ kind: 'step', unit: 'x86' });
          if (kind === 'call') calls.push(rsp - 8);
          // also what returns by another way (a return address that was put there)
          calls = calls.filter((c) => c >= cpu.reg(4));
          continue;
        }
        await session.move({ kind: 'step', unit: 'x86' });
      }
      expect(checked).toBeGreaterThan(300);
      expect(wrong.slice(0, 20)).toEqual([]);
      session.close();
    }, 60_000);

  it('has what callers had in their registers: what is there again once the function returns', async () => {
    const session = await openSession('opens.o');
    const { cpu } = session.kernel;
    const kept = [3, 5, 12, 13, 14, 15];
    let compared = 0;
    session.breakpoints.add({ kind: 'function', name: 'kprobe_dispatcher' });
    session.breakpoints.add({ kind: 'helper', name: 'bpf_map_update_elem' });
    session.breakpoints.add({ kind: 'function', name: 'do_filp_open' });
    for (let n = 0; n < 12; n++) {
      await session.move({ kind: 'continue' });
      // in the middle of the function, where it has saved and changed them
      await session.move({ kind: 'step', unit: 'x86', times: 8 });
      const { registers, place } = session.frames[1] as Frame;
      await session.move({ kind: 'finish' });
      if (cpu.rip !== place.rip) continue;
      expect(kept.map((r) => registers[r])).toEqual(kept.map((r) => cpu.reg64(r)));
      expect(registers[4]).toBe(cpu.reg64(4));
      compared++;
    }
    expect(compared).toBeGreaterThan(6);
    session.close();
  }, 60_000);
});
