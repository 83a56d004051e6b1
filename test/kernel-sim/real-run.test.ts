/**
 * A whole run held against the real kernel: strace's recording of it is replayed, and every program that
 * was attached there prints the same, in the same order, with the same flags (golden/bash.trace says which kernel).
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../kernel-sim/index.ts';
import { readStrace } from '../../src/replay/index.ts';
import { holdFigures } from '../support/figures.ts';
import { program } from './support/programs.ts';

const golden = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), 'utf8');

const KPROBES =
  `do_sys_openat2 __x64_sys_openat vfs_open vfs_read vfs_write __x64_sys_close do_unlinkat vfs_unlink do_exit kernel_clone
wake_up_new_task do_execveat_common begin_new_exec vm_mmap_pgoff vfs_statx vfs_fstat kernel_wait4 ksys_dup3 do_sigaction`.split(
    /\s+/,
  );

/** Attaches what was attached there, in that order. */
function attach(kernel: Kernel): number {
  const { probes } = kernel;
  let attached = 0;
  // the programs looked at the name first: strace, the shell that started it and the reader are left out
  const named = (text: string) => {
    attached++;
    return program(kernel, text, () => {
      if (/^(b|c|rm|ls)/.test(kernel.tasks.current.comm)) kernel.trace.bpfPrintk(text);
    });
  };
  for (const name of KPROBES) {
    const symbol = name === 'do_execveat_common' ? `${name}.isra.0` : name;
    probes.kprobe(named(`kprobe ${name}`), { symbol });
  }
  for (const symbol of ['do_sys_openat2', 'vfs_read'])
    probes.kprobe(named(`kretprobe ${symbol}`), { symbol, ret: true });
  const filp = { target: 'do_filp_open', argSizes: [4, 8, 8], retSize: 8 };
  probes.trampoline(named('fentry do_filp_open'), { kind: 'fentry', ...filp });
  probes.trampoline(named('fexit do_filp_open'), { kind: 'fexit', ...filp });
  probes.trampoline(named('fentry security_file_open'), {
    kind: 'fentry',
    target: 'security_file_open',
    argSizes: [8],
    retSize: 4,
  });
  for (const way of ['enter', 'exit']) {
    probes.tracepoint(named(`tp sys_${way}_openat`), 'syscalls', `sys_${way}_openat`);
    probes.rawTracepoint(named(`tp_btf sys_${way}`), `sys_${way}`);
  }
  probes.rawTracepoint(named('rtp sched_process_exec'), 'sched_process_exec');
  for (const what of ['fork', 'exit'])
    probes.tracepoint(named(`tp sched_process_${what}`), 'sched', `sched_process_${what}`);
  return attached;
}

/** pid to what was printed of it. */
function byPid(lines: readonly string[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const line of lines) {
    const space = line.indexOf(' ');
    const list = out.get(line.slice(0, space)) ?? [];
    list.push(line.slice(space + 1));
    out.set(line.slice(0, space), list);
  }
  return out;
}

describe('bash, cat, rm and ls', () => {
  for (const engine of ['step', 'jit'] as const) {
    it(`print what they printed on the real kernel (${engine})`, async () => {
      const kernel = await Kernel.boot({ engine });
      const attached = attach(kernel);
      const { trace, warnings } = readStrace(golden('bash.strace'));
      expect(warnings).toEqual([]);
      const result = await kernel.replay(trace);
      expect(result).toMatchObject({ stopped: undefined, oopses: [] });
      const ours = kernel.tracePipe
        .read()
        .trimEnd()
        .split('\n')
        .map((line) => /-(\d+) +\[\d+\] (\S+) +[\d.]+: bpf_trace_printk: (.*)$/.exec(line)?.slice(1).join(' ') ?? line);
      const real = byPid(
        golden('bash.trace')
          .trimEnd()
          .split('\n')
          .filter((l) => !l.startsWith('#')),
      );
      expect([...real.keys()].sort()).toEqual([...byPid(ours).keys()].sort());
      for (const [pid, lines] of real) expect(byPid(ours).get(pid), `pid ${pid}`).toEqual(lines);
      holdFigures('real-run', engine, { programs: attached, events: ours.length });
    });
  }
});
