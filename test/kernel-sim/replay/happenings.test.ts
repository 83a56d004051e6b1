/**
 * Events of a recording that are no calls make happen what they tell of. fixtures/worlds/disk-read.ftrace is what ftrace
 * of the real kernel printed while dd read three blocks of a disk on one of two CPUs.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { openRecording, recordingOf } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';

const file = fileURLToPath(new URL('../../../fixtures/worlds/disk-read.ftrace', import.meta.url));
const EVENTS = [
  ['block', 'block_bio_queue'],
  ['block', 'block_getrq'],
  ['block', 'block_io_start'],
  ['block', 'block_rq_issue'],
  ['block', 'block_rq_complete'],
  ['block', 'block_io_done'],
  ['irq', 'irq_handler_entry'],
  ['irq', 'irq_handler_exit'],
] as const;
const text = (k: Kernel, at: number, bytes: number): string =>
  new TextDecoder().decode(k.memory.readBytes(at, bytes)).replace(/\0.*/s, '');

/** The record that programs of type tracepoint get, as ftrace prints it, without commands and priorities. */
function fields(k: Kernel, event: string): string {
  const at = k.args.addr(0);
  if (event === 'irq_handler_exit') return `irq=${k.memory.readS32(at + 8)}`;
  if (event === 'irq_handler_entry') {
    const name = k.memory.readU32(at + 12) & 0xffff;
    return `irq=${k.memory.readS32(at + 8)} name=${text(k, at + name, 16)}`;
  }
  const dev = k.memory.readU32(at + 8);
  const rwbs = text(k, at + (event === 'block_bio_queue' || event === 'block_getrq' ? 28 : 34), 8);
  return `${dev >>> 20},${dev & 0xfffff} ${rwbs} ${k.memory.readAddr(at + 16)} + ${k.memory.readU32(at + 24)}`;
}
/** A line of the recording in the same words. */
function recorded(line: string): string | undefined {
  const m = /^\s*\S+-(\d+)\s+\[(\d+)\] .(.)(.)\S+\s+[\d.]+: (\w+): (.*)$/.exec(line);
  if (!m || !EVENTS.some(([, event]) => event === m[5])) return undefined;
  const rest = m[5]?.startsWith('irq')
    ? (m[6] as string).replace(/ ret=.*/, '')
    : (m[6] as string).replace(/^(\S+ \S+) (?:\d+ )?(?:\(\) )?(\d+ \+ \d+).*/, '$1 $2');
  return `${m[1]} [${Number(m[2])}] ${m[4]} ${m[5]} ${rest}`;
}

/** Functions of a recording, with when they were called, µs, and registers. */
async function calls(lines: readonly string[], functions: readonly string[]): Promise<string[]> {
  const k = await Kernel.boot({ cpus: 2 });
  const seen: string[] = [];
  const regs = k.structs.of('pt_regs');
  let start: number | undefined;
  for (const symbol of functions)
    k.probes.kprobe(
      program(k, symbol, () => {
        start ??= k.clock.now;
        const di = k.memory.readAddr(k.args.addr(0) + regs.offset('di'));
        const who = k.tasks.at(di)?.comm;
        seen.push(`${Math.round((k.clock.now - start) / 1000)} ${symbol}${who === undefined ? '' : ` ${who}`}`);
      }),
      { symbol },
    );
  const recording = recordingOf(Buffer.from(`# tracer: nop\n${lines.join('\n')}\n`));
  expect(await k.replay(recording)).toMatchObject({ stopped: undefined, oopses: [] });
  return seen;
}

it('interrupts, softirqs and migrations take the time that the recording has', async () => {
  const idle = '          <idle>-0       [000] d.h.. ';
  const task = '              cc-300     [001] ..... ';
  expect(
    await calls(
      [
        `${idle}  10.000000: irq_handler_entry: irq=25 name=virtio0-req.0`,
        `${idle}  10.000150: irq_handler_exit: irq=25 ret=handled`,
        `${idle}  10.000200: softirq_entry: vec=6 [action=TASKLET]`,
        `${idle}  10.000900: softirq_exit: vec=6 [action=TASKLET]`,
        `${task}  10.001000: mm_migrate_pages_start: mode=MIGRATE_ASYNC reason=numa_misplaced`,
        `${task}  10.001300: mm_migrate_pages: nr_succeeded=1 nr_failed=0 nr_thp_succeeded=0 nr_thp_failed=0 nr_thp_split=0 nr_split=0 mode=MIGRATE_ASYNC reason=numa_misplaced`,
        `${task}  10.002000: mark_victim: pid=300 comm=cc total-vm=1kB anon-rss=1kB file-rss:0kB shmem-rss:0kB uid=0 pgtables=4kB oom_score_adj=0`,
      ],
      ['vring_interrupt', 'add_interrupt_randomness', 'tasklet_action', 'migrate_misplaced_folio', 'mark_oom_victim'],
    ),
  ).toEqual([
    '0 vring_interrupt',
    '150 add_interrupt_randomness',
    '200 tasklet_action',
    '1000 migrate_misplaced_folio',
    '2000 mark_oom_victim cc',
  ]);
});

describe.each(['step', 'jit'] as const)('requests to a disk (%s)', (engine) => {
  it('are queued, issued and completed by an interrupt, on the CPU and with the fields recorded', async () => {
    const k = await Kernel.boot({ engine, cpus: 2 });
    const seen: string[] = [];
    for (const [category, event] of EVENTS) {
      const told = program(k, 'told', () => {
        const hard = (k.context.preemptCount & 0xf0000) === 0 ? '.' : 'h';
        seen.push(`${k.tasks.current.pid} [${k.context.cpu}] ${hard} ${event} ${fields(k, event)}`);
      });
      k.probes.tracepoint(told, category, event);
    }
    const result = await k.replay(openRecording(file));
    expect(result).toMatchObject({ stopped: undefined, oopses: [] });
    const wanted = readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => recorded(line) ?? []);
    expect(wanted).toHaveLength(24);
    expect(seen).toEqual(wanted);
  });
});

describe('events whose arguments are numbers', () => {
  it('happen with the fields that the line has, flags by their names', async () => {
    const kernel = await Kernel.boot({ cpus: 2 });
    const seen: string[] = [];
    for (const [category, event, ...sizes] of [
      ['power', 'cpu_frequency', 4, 4],
      ['vmscan', 'mm_vmscan_direct_reclaim_begin', 8, 4],
      ['vmscan', 'mm_vmscan_direct_reclaim_end', 8],
    ] as const) {
      const told = program(kernel, 'told', () => {
        let at = kernel.args.addr(0) + 8;
        const values = sizes.map((size) => {
          const value = size === 8 && event.endsWith('begin') ? kernel.memory.readAddr(at) : kernel.memory.readU32(at);
          at += size;
          return value;
        });
        seen.push([kernel.tasks.current.pid, kernel.context.cpu, event, ...values].join(' '));
      });
      kernel.probes.tracepoint(told, category, event);
    }
    const trace = `# tracer: nop
          <idle>-0       [001] d.h..    10.000000: cpu_frequency: state=2400000 cpu_id=1
              cc-300     [000] .....    10.100000: mm_vmscan_direct_reclaim_begin: order=2 gfp_flags=GFP_KERNEL|__GFP_COMP
              cc-300     [000] .....    10.100400: mm_vmscan_direct_reclaim_end: nr_reclaimed=33
`;
    await kernel.replay(recordingOf(new TextEncoder().encode(trace)));
    expect(seen).toEqual([
      '0 1 cpu_frequency 2400000 1',
      // GFP_KERNEL is 0xcc0, __GFP_COMP 0x40000 (include/linux/gfp_types.h)
      `300 0 mm_vmscan_direct_reclaim_begin 2 ${0x40cc0}`,
      '300 0 mm_vmscan_direct_reclaim_end 33',
    ]);
  });
});
