/** Variables of C while a program runs: by DWARF, held against what the program does with them. */
import { expect, it } from 'vitest';
import { DebugError, type Session } from '../../src/debug/index.ts';
import { openSession } from './support.ts';

const toLine = async (session: Session, line: number): Promise<void> => {
  const { id } = session.breakpoints.add({ kind: 'line', line });
  await session.move({ kind: 'continue' });
  session.breakpoints.remove(id);
};
const shown = (session: Session): Record<string, string> =>
  Object.fromEntries(
    session.locals.list().map((l) => [l.name, l.value === undefined ? l.why : session.show(l.value).text]),
  );

it('are in the frame, in registers, in sections, or nowhere', async () => {
  const session = await openSession('opens.o');
  // where the function begins, its argument is in R1
  expect(session.evaluate('ctx').bits).toBe(session.evaluate('R1').bits);
  await toLine(session, 21);
  expect(shown(session)).toMatchObject({
    pid: '30042',
    one: '1',
    ctx: 'not kept here',
    ____fmt: '"first open by pid %d"',
  });
  expect(session.evaluate('n').bits).toBe(0n);
  expect(() => session.evaluate('ctx')).toThrow(DebugError);
  await toLine(session, 22);
  expect(session.evaluate('n').bits).toBe(session.evaluate('R0').bits);
  expect(session.evaluate('*n').bits).toBe(session.evaluate('counts[pid]').bits);
  session.assign('*n', '41');
  session.assign('pid', '99');
  expect(shown(session)['pid']).toBe('99');
  await session.move({ kind: 'finish' });
  expect(session.evaluate('counts[30042]').bits).toBe(42n);
  // outside of a program there are none, and `pid` is the task's
  expect(session.locals.list()).toEqual([]);
  expect(session.evaluate('pid').bits).toBe(30042n);
  session.close();
});

it('of functions that were inlined have the name of theirs', async () => {
  const session = await openSession('opensnoop.o');
  await toLine(session, 33);
  const all = session.locals.list();
  expect(all.find((l) => l.name === 'e')).toMatchObject({
    isParameter: false,
    function: '____snoop_open',
    typeName: 'struct event *',
  });
  expect(session.evaluate('e->pid').bits).toBe(30042n);
  session.close();
});

it('stops in a function that was inlined, where its code begins', async () => {
  const session = await openSession('opensnoop.o');
  const { addresses } = session.breakpoints.add({ kind: 'function', name: '____snoop_open' });
  expect(addresses).toHaveLength(1);
  expect(session.programs.at(addresses[0] as number)?.program.name).toBe('snoop_open');
  await session.move({ kind: 'continue' });
  expect(session.stop).toMatchObject({ reason: 'breakpoint', place: { program: 'snoop_open' } });
  expect(session.locals.list().map((l) => l.function)).toContain('____snoop_open');
  expect(() => session.breakpoints.add({ kind: 'function', name: '____snoop_opn' })).toThrow('____snoop_open');
  session.close();
});

it('are those of the frame that is selected: of a function that called, too', async () => {
  const session = await openSession('nested.o');
  session.breakpoints.add({ kind: 'function', name: 'count' });
  await session.move({ kind: 'continue' });
  expect(session.stop.place.source?.text).toContain('count(struct caller *who)');
  const who = session.evaluate('who').bits;
  expect(session.selectFrame(1).place.program).toBe('nested');
  expect(session.evaluate('&who').bits).toBe(BigInt.asIntN(64, who));
  expect(session.evaluate('who').text).toBe('{pid = 30042, uid = 0}');
  expect(session.inFrame(0, () => session.evaluate('who').bits)).toBe(who);
  expect(() => session.evaluate('R1')).toThrow('what frame 1 had in it, nothing kept');
  expect(() => session.assign('$rbx', '1')).toThrow(DebugError);
  session.assign('who.uid', '7');
  // a motion goes back to the innermost
  await session.move({ kind: 'finish' });
  expect(session.selected).toBe(0);
  expect(session.evaluate('who').text).toBe('{pid = 30042, uid = 7}');
  session.close();
});
