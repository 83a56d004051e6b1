import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DebugError, type Motion, Session, type Stop } from '../../src/debug/index.ts';
import { readStrace } from '../../src/replay/index.ts';

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));
const python = readStrace(fixture('traces/python3.strace').toString()).trace;
const recording = { ...python, steps: [...python.steps] };
const open = (name: string, history?: number): Promise<Session> =>
  Session.open({
    object: fixture(`${name}.o`),
    name: `${name}.o`,
    recording,
    ...(history === undefined ? {} : { history }),
  });

const at = ({ count, station, place }: Stop): string =>
  `${count} ${station ?? '-'} ${place.world} ${place.symbol.replace(/bpf_prog_[0-9a-f]+_/, '')}`;

async function walk(session: Session, ...motions: readonly Motion[]): Promise<string[]> {
  const out: string[] = [];
  for (const motion of motions) out.push(at(await session.move(motion)));
  return out;
}
const times = (n: number, motion: Motion): Motion[] => Array.from({ length: n }, () => motion);

describe('a session', () => {
  it('opens at the first hit; the stations of the journey are one press each, both ways', async () => {
    const session = await open('hello');
    expect(at(session.stop)).toMatch(/^\d+ image image hello$/);
    const forth = await walk(session, ...times(6, { kind: 'station' }));
    expect(forth.map((s) => s.replace(/^\d+ /, ''))).toEqual([
      'helper helper bpf_trace_printk',
      'return image hello+0x28',
      'user user [user]+0x40101d',
      'syscall user [user]+0x40101b',
      'entry entry entry_SYSCALL_64',
      'function kernel do_sys_openat2',
    ]);
    const back = await walk(session, ...times(7, { kind: 'station', back: true }));
    expect(back.slice(0, 5)).toEqual([...forth.slice(0, 5)].reverse());
    expect(back[5]).toMatch(/image image hello$/);
    expect(back[6]).toMatch(/handler kernel trace_call_bpf$/);
    session.close();
  });

  it('steps lines, instructions of BPF and of x86, and takes each step back', async () => {
    const session = await open('opens');
    for (const unit of ['line', 'bpf', 'x86'] as const) {
      for (const kind of ['step', 'next'] as const) {
        const start = at(session.stop);
        const way = [start, ...(await walk(session, ...times(4, { kind, unit })))];
        const back = await walk(session, ...times(4, { kind, unit, back: true }));
        if (unit !== 'line') expect(back.slice(0, 3)).toEqual(way.slice(1, 4).reverse());
        expect(new Set(way).size).toBe(5);
        await session.move({ kind: 'goto', count: Number.parseInt(start, 10) });
      }
    }
    session.close();
  });

  it('breaks on functions, lines, helpers, system calls and maps, with conditions; back again over the same hits', async () => {
    const session = await open('opens');
    const { breakpoints } = session;
    breakpoints.add({ kind: 'helper', name: 'map_update_elem' });
    breakpoints.add({ kind: 'syscall', name: 'close' }, { condition: 'comm == "cat" && $rdi' });
    breakpoints.add({ kind: 'map', map: 'counts', op: 'lookup' }, { ignore: 2 });
    const log = breakpoints.add({ kind: 'function', name: 'do_sys_openat2' }, { log: '{comm} opens, call {calls}' });
    await session.move({ kind: 'start' });
    const seen: string[] = [];
    for (let n = 0; n < 8; n++) {
      const { breakpoint, count, logged } = await session.move({ kind: 'continue' });
      seen.push(`${count} ${breakpoint?.text}`);
      for (const line of logged) expect(line).toMatch(/^"\w+" opens, call \d+$/);
    }
    expect(new Set(seen.map((s) => s.replace(/^\d+ /, '')))).toContain('map counts lookup');
    expect(seen[0]).toMatch(/helper bpf_map_update_elem$/);
    expect(log.hits).toBeGreaterThan(2);
    const back: string[] = [];
    for (let n = 0; n < 7; n++) {
      const { breakpoint, count } = await session.move({ kind: 'continue', back: true });
      back.push(`${count} ${breakpoint?.text}`);
    }
    expect(back).toEqual(seen.slice(0, 7).reverse());
    expect((await session.move({ kind: 'continue', back: true })).reason).toBe('begin');
    session.close();
  });

  it('evaluates registers, the task, maps and casts; sets them, and time goes on otherwise', async () => {
    const session = await open('opens');
    session.breakpoints.add({ kind: 'helper', name: 'trace_printk' });
    await session.move({ kind: 'continue' });
    expect(session.evaluate('comm').text).toBe('"python3"');
    expect(session.evaluate('task->real_parent->tgid').bits).toBe(0n);
    expect(session.evaluate('((struct task_struct *)task)->pid + 1').bits).toBe(30043n);
    expect(session.evaluate('counts[30042]').bits).toBe(1n);
    expect(session.evaluate('sizeof(struct task_struct) > 1000 ? R1 != 0 : 0').bits).toBe(1n);
    expect(() => session.evaluate('nonsense + 1')).toThrow(DebugError);
    expect(() => session.evaluate('task->nonsense')).toThrow(/has no member nonsense/);
    expect(() => session.evaluate('1 +')).toThrow(/ends where a value should be/);
    const { count } = session.stop;
    session.assign('counts[30042]', '41');
    expect(session.evaluate('counts[30042]').bits).toBe(41n);
    session.breakpoints.add({ kind: 'helper', name: 'map_lookup_elem' });
    for (let n = 0; n < 2; n++) await session.move({ kind: 'continue' });
    expect(session.evaluate('counts[30042]').bits).toBe(42n);
    await session.move({ kind: 'goto', count: count - 1 });
    expect(session.evaluate('counts[30042]').bits).toBe(1n);
    session.close();
  });

  it('finds who wrote a value', async () => {
    const session = await open('opens');
    await session.move({ kind: 'goto', count: 9000 });
    const now = session.evaluate('counts[30042]').bits;
    const written = await session.whoWrote('counts[30042]');
    expect(written?.after).toBe(String(now));
    expect(written?.before).toBe(String(now - 1n));
    expect(session.stop.place.world).toBe('image');
    session.close();
  });

  it('keeps to its history, and still reaches every moment', async () => {
    const session = await open('hello', 1 << 20);
    await session.move({ kind: 'end' });
    expect(session.timeline.marks.bytes).toBeLessThan(3 << 20);
    const { count } = session.stop;
    const lines = session.lines.length;
    for (const to of [count - 1, 777, count >> 1, 0]) {
      expect((await session.move({ kind: 'goto', count: to })).count).toBe(to);
    }
    await session.move({ kind: 'end' });
    expect([session.stop.count, session.lines.length]).toEqual([count, lines]);
    session.close();
  });
});
