/** Commands of values: expressions, types, memory. */
import { DebugError } from '../../error.ts';
import { typeName } from '../../expr/value.ts';
import type { Command } from '../command.ts';
import { displayed } from '../displays.ts';
import { examine, formatted } from '../examine.ts';
import { definition, typeOf } from '../types.ts';

export const VALUES: readonly Command[] = [
  {
    names: ['print', 'p'],
    takes: '[/FORMAT] EXPRESSION',
    about: 'a value: registers ($rip, R1), variables, maps (counts[42]), task->comm, casts; /x /d /u /t /c',
    run: ({ session }, text) => {
      const [, format, what = ''] = /^(?:\/(\S*)\s+)?(.*)$/.exec(text) ?? [];
      if (what === '') throw new DebugError('print EXPRESSION');
      return format === undefined ? session.evaluate(what).text : formatted(session.value(what), format);
    },
  },
  {
    names: ['x'],
    takes: '[/FORMAT] EXPRESSION',
    about: 'memory: x/8xb $rsp, x/s $rdi, x/5i $rip',
    run: ({ session }, text) => {
      const m = /^(?:\/(\S*)\s+)?(.+)$/.exec(text);
      if (!m) throw new DebugError('x/FORMAT EXPRESSION');
      return examine(session, m[1] ?? '', m[2] as string);
    },
  },
  {
    names: ['set'],
    takes: 'TARGET = EXPRESSION',
    about: 'set a register, memory, or a value of a map',
    run: ({ session }, text) => {
      const m = /^(?:var\s+)?(.+?)\s*=(?!=)\s*(.+)$/.exec(text);
      if (!m) throw new DebugError('set TARGET = EXPRESSION');
      return `${m[1]} = ${session.assign(m[1] as string, m[2] as string).text}`;
    },
  },
  {
    names: ['forget'],
    takes: '',
    about: 'what was set behind this moment is not set again',
    run: ({ session: { timeline } }) => {
      const count = timeline.changes.list.length;
      timeline.forget();
      const kept = timeline.changes.list.length;
      return `${count - kept} of ${count} forgotten`;
    },
  },
  {
    names: ['display'],
    takes: '[EXPRESSION]',
    about: 'show it at each stop from now on; without one, show all',
    run: (prompt, text) => {
      if (text === '') return displayed(prompt).join('\n');
      prompt.session.value(text);
      const number = 1 + Math.max(0, ...prompt.displays.keys());
      prompt.displays.set(number, text);
      return displayed(prompt).at(-1) as string;
    },
  },
  {
    names: ['undisplay'],
    takes: '[N]',
    about: 'show it no more; without a number, none',
    run: ({ displays }, text) => {
      if (text === '') displays.clear();
      else if (!displays.delete(Number(text))) throw new DebugError(`nothing with the number ${text} is displayed`);
      return '';
    },
  },
  {
    names: ['whatis'],
    takes: 'EXPRESSION|TYPE',
    about: 'its type',
    run: ({ session }, text) => typeName(typeOf(session.scope, text)),
  },
  {
    names: ['ptype'],
    takes: 'EXPRESSION|TYPE',
    about: 'its type with its members, as C declares them',
    run: ({ session }, text) => definition(session.scope, text),
  },
];
