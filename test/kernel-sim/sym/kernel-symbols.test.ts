/** Symbols of a booted kernel: those that ship, those of another kallsyms. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { formatAddr } from '../../../src/machine/addr.ts';
import { haveShared, readShared } from '../../support/shared.ts';
import { program } from '../support/programs.ts';
import { call, recording } from '../support/recording.ts';

describe('symbols', () => {
  it.skipIf(!haveShared)('have the addresses of the real kernel', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const real = new Map<string, Set<string>>();
    for (const line of Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString().split('\n')) {
      const [at, , name, module] = line.split(/\s+/);
      if (!at || !name || module) continue;
      const known = real.get(name);
      if (known) known.add(at);
      else real.set(name, new Set([at]));
    }
    let compared = 0;
    for (const s of k.symbols.all()) {
      if (s.module !== undefined || s.name.endsWith('.cold')) continue;
      expect(real.get(s.name), s.name).toContain(formatAddr(s.address));
      compared++;
    }
    expect(compared).toBeGreaterThan(2800);
  });
  it.skipIf(!haveShared)('come from another kallsyms when one is given', async () => {
    const k = await Kernel.boot({ engine: 'step', kallsyms: readShared('reference/6.12/kallsyms.gz') });
    const builtin = await Kernel.boot({ engine: 'step' });
    for (const name of ['do_sys_openat2', 'entry_SYSCALL_64', 'bpf_trace_printk', 'pcpu_hot']) {
      // how long kallsyms says a function is, and what labels are in it, only the list that ships knows
      const { told: _, labels: __, ...known } = builtin.symbols.get(name)!;
      expect(k.symbols.get(name)).toEqual(known);
    }
  });
  it.skipIf(!haveShared)('moved as KASLR moves them, and half of them missing: a recording still runs', async () => {
    const lines = Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString().split('\n');
    const moved = lines
      .filter((line, n) => n % 2 === 0 || / (_stext|do_sys_openat2)$/.test(line))
      .map((line) => line.replace(/^ffffffff[89]\w{7}/, (at) => (BigInt(`0x${at}`) + 0x1c00_0000n).toString(16)));
    const k = await Kernel.boot({ engine: 'step', kallsyms: new TextEncoder().encode(moved.join('\n')) });
    const link = k.probes.kprobe(program(k, 'hello'), { symbol: 'do_sys_openat2' });
    expect(formatAddr(link.address)).toBe('ffffffff9d453d90');
    k.probes.tracepoint(program(k, 'tp'), 'sched', 'sched_process_exit');
    const steps = [call('openat', [-100, '/etc/passwd', 0], 3), call('exit_group', [0], undefined)];
    expect(await k.replay(recording(steps))).toMatchObject({ calls: 2, oopses: [], stopped: undefined });
    expect(
      k.tracePipe
        .read()
        .trimEnd()
        .split('\n')
        .map((l) => l.replace(/.*: /, '')),
    ).toEqual(['hello', 'tp']);
  });
  it.skipIf(!haveShared)(
    'in the entry code and the trampolines are told by labels as kallsyms tells them',
    async () => {
      const k = await Kernel.boot({ engine: 'step' });
      const rows = Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString().split('\n');
      const from = rows.findIndex((row) => row.endsWith(' entry_SYSCALL_64'));
      const at = (row: string): number => Number(BigInt.asIntN(64, BigInt(`0x${row.split(' ')[0]}`)));
      for (const [n, row] of rows.slice(from, from + 4).entries()) {
        const size = at(rows[from + n + 1] as string) - at(row);
        expect(k.symbols.format(at(row) + size - 1)).toBe(
          `${row.split(' ')[2]}+0x${(size - 1).toString(16)}/0x${size.toString(16)}`,
        );
      }
    },
  );
  it('are found by address, and near by name', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const at = k.symbols.address('do_sys_openat2') as number;
    expect(k.symbols.format(at + 0x12)).toBe('do_sys_openat2+0x12/0xe0');
    expect(k.symbols.format(-1)).toBe('0xffffffffffffffff');
    expect(k.symbols.near('do_sys_opnat2')).toContain('do_sys_openat2');
    expect(k.symbols.near('zzzzzzzzzzzz')).toEqual([]);
  });
});
