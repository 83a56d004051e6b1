/** Commands of breakpoints and watchpoints. */
import { parseBreakpoint } from '../../breakpoints/parse.ts';
import { DebugError } from '../../error.ts';
import type { Session } from '../../session/session.ts';
import { type Command, times } from '../command.ts';

export const POINTS: readonly Command[] = [
  {
    names: ['break', 'b'],
    takes: 'PLACE [if EXPRESSION]',
    about: 'stop there: a line, function, program@slot, *address, helper, syscall, map, tracepoint',
    run: ({ session }, text) => added(session, text, {}),
  },
  {
    names: ['tbreak', 'tb'],
    takes: 'PLACE',
    about: 'as break, once',
    run: ({ session }, text) => added(session, text, { temporary: true }),
  },
  {
    names: ['dprintf'],
    takes: 'PLACE, TEXT',
    about: 'write a text there, {expressions} replaced, and go on',
    run: ({ session }, text) => {
      const at = text.indexOf(',');
      if (at < 0) throw new DebugError('dprintf PLACE, TEXT');
      return added(session, text.slice(0, at), { log: text.slice(at + 1).trim() });
    },
  },
  {
    names: ['watch'],
    takes: 'EXPRESSION [if EXPRESSION]',
    about: 'stop behind the instruction that changes it',
    run: ({ session }, text) => watched(session, text, 'write'),
  },
  {
    names: ['rwatch'],
    takes: 'EXPRESSION [if EXPRESSION]',
    about: 'stop behind an instruction that reads it, where it lies in memory',
    run: ({ session }, text) => watched(session, text, 'read'),
  },
  {
    names: ['awatch'],
    takes: 'EXPRESSION [if EXPRESSION]',
    about: 'stop behind an instruction that reads or writes it',
    run: ({ session }, text) => watched(session, text, 'access'),
  },
  {
    names: ['ignore'],
    takes: 'N COUNT',
    about: 'pass over the next hits of a breakpoint',
    run: ({ session }, text) => {
      const [id = '', count = ''] = text.split(/\s+/);
      session.breakpoints.ignore(times(id), times(count));
      return `Breakpoint ${id} passes over its next ${times(count)} hits`;
    },
  },
  {
    names: ['condition'],
    takes: 'N [EXPRESSION]',
    about: 'stop at a breakpoint only where this holds; without one, always',
    run: ({ session }, text) => {
      const [, id = '', condition = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? [];
      session.breakpoints.condition(times(id), condition === '' ? undefined : condition);
      return '';
    },
  },
  {
    names: ['delete', 'd'],
    takes: '[N]',
    about: 'remove a breakpoint, or all of them',
    run: ({ session: { breakpoints } }, text) => {
      for (const { id } of text === '' ? [...breakpoints.list] : [{ id: times(text) }]) breakpoints.remove(id);
      return '';
    },
  },
  {
    names: ['enable'],
    takes: 'N',
    about: 'a breakpoint stops again',
    run: ({ session }, text) => enabled(session, text, true),
  },
  {
    names: ['disable'],
    takes: 'N',
    about: 'a breakpoint stops no more',
    run: ({ session }, text) => enabled(session, text, false),
  },
];

function added(
  session: Session,
  text: string,
  options: { readonly temporary?: boolean; readonly log?: string },
): string {
  const { at, condition } = parseBreakpoint(text);
  const point = session.breakpoints.add(at, { ...options, ...(condition === undefined ? {} : { condition }) });
  return `Breakpoint ${point.id} at ${point.text}`;
}
function watched(session: Session, text: string, on: 'write' | 'read' | 'access'): string {
  const [, what = '', condition] = /^(.*?)(?:\s+if\s+(.+))?$/.exec(text) ?? [];
  const point = session.watch(what, condition === undefined ? {} : { condition }, on);
  return `Watchpoint ${point.id}: ${what}`;
}
function enabled({ breakpoints }: Session, text: string, on: boolean): string {
  breakpoints.enable(times(text), on);
  return '';
}
