/**
 * Events of a recording that are no calls make happen what they tell of. fixtures/worlds/disk-read.ftrace is what ftrace
 * of the real kernel printed while dd read three blocks of a disk on one of two CPUs.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { openRecording } from '../../../src/replay/index.ts';
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
