/** The commands of the prompt, a row each: names, what it takes, what it says of itself, what it does. */
import { parseBreakpoint } from '../breakpoints/parse.ts';
import { DebugError } from '../error.ts';
import type { Session } from '../session/session.ts';
import type { Motion, MoveOptions, Unit } from '../session/types.ts';
import { examine, formatted } from './examine.ts';
import {
  breakpointsText,
  callsText,
  disassembleText,
  eventsText,
  listText,
  localsText,
  mapsText,
  probesText,
  progsText,
  registersText,
  stopText,
  tasksText,
} from './text.ts';

export interface Prompt {
  readonly session: Session;
  /** lines that were written of trace_pipe already */
  shown: number;
  readonly options: MoveOptions;
  /** Runs a line; what it says. */
  run(line: string): Promise<string>;
}

export interface Command {
  /** the first is its name, the others short for it */
  readonly names: readonly string[];
  readonly takes: string;
  readonly about: string;
  /** Its answer. @throws DebugError */
  run(prompt: Prompt, text: string): Promise<string> | string;
}

/** `3`: how many times. */
function times(text: string): number {
  if (text === '') return 1;
  if (!/^\d+$/.test(text)) throw new DebugError(`'${text}' is no number of times`);
  return Number(text);
}

async function move(prompt: Prompt, motion: Motion): Promise<string> {
  const { session } = prompt;
  const stop = await session.move(motion, prompt.options);
  const lines = session.lines.slice(Math.min(prompt.shown, session.lines.length)).map((l) => l.text);
  prompt.shown = session.lines.length;
  return [...lines, stopText(session, stop)].join('\n');
}

const step = (kind: 'step' | 'next', unit: Unit, back: boolean) => (prompt: Prompt, text: string) =>
  move(prompt, { kind, unit, back, times: times(text) });
const plain = (motion: Motion) => (prompt: Prompt) => move(prompt, motion);

const INFO: Readonly<Record<string, (session: Session) => string>> = {
  args: (session) => localsText(session, true),
  locals: (session) => localsText(session, false),
  breakpoints: breakpointsText,
  events: eventsText,
  maps: mapsText,
  progs: progsText,
  registers: registersText,
  tasks: tasksText,
  marks: ({ timeline }) =>
    `${timeline.marks.size} marks, ${Math.ceil(timeline.marks.bytes / 1024)} KiB, at ${timeline.marks.counts.join(' ')}`,
  probes: probesText,
};

export const INFO_NAMES: readonly string[] = Object.keys(INFO);

export const COMMANDS: readonly Command[] = [
  { names: ['step', 's'], takes: '[N]', about: 'to the next C line, into calls', run: step('step', 'line', false) },
  { names: ['next', 'n'], takes: '[N]', about: 'to the next C line, over calls', run: step('next', 'line', false) },
  { names: ['stepb', 'sb'], takes: '[N]', about: 'one BPF instruction', run: step('step', 'bpf', false) },
  {
    names: ['nextb', 'nb'],
    takes: '[N]',
    about: 'one BPF instruction, over calls of functions',
    run: step('next', 'bpf', false),
  },
  { names: ['stepi', 'si'], takes: '[N]', about: 'one x86 instruction', run: step('step', 'x86', false) },
  { names: ['nexti', 'ni'], takes: '[N]', about: 'one x86 instruction, over calls', run: step('next', 'x86', false) },
  { names: ['reverse-step', 'rs'], takes: '[N]', about: 'back to the C line before', run: step('step', 'line', true) },
  { names: ['reverse-next', 'rn'], takes: '[N]', about: 'back, over calls', run: step('next', 'line', true) },
  { names: ['reverse-stepb', 'rsb'], takes: '[N]', about: 'back one BPF instruction', run: step('step', 'bpf', true) },
  { names: ['reverse-stepi', 'rsi'], takes: '[N]', about: 'back one x86 instruction', run: step('step', 'x86', true) },
  {
    names: ['reverse-nexti', 'rni'],
    takes: '[N]',
    about: 'back one x86 instruction, over calls',
    run: step('next', 'x86', true),
  },
  { names: ['continue', 'c'], takes: '', about: 'to the next breakpoint', run: plain({ kind: 'continue' }) },
  {
    names: ['reverse-continue', 'rc'],
    takes: '',
    about: 'back to the breakpoint before',
    run: plain({ kind: 'continue', back: true }),
  },
  { names: ['finish'], takes: '', about: 'to where this function returns to', run: plain({ kind: 'finish' }) },
  {
    names: ['reverse-finish'],
    takes: '',
    about: 'back to where this function was called',
    run: plain({ kind: 'finish', back: true }),
  },
  { names: ['station', 'st'], takes: '', about: 'to the next station of the journey', run: plain({ kind: 'station' }) },
  {
    names: ['reverse-station', 'rst'],
    takes: '',
    about: 'back to the station before',
    run: plain({ kind: 'station', back: true }),
  },
  { names: ['event', 'e'], takes: '', about: 'to the next system call', run: plain({ kind: 'event' }) },
  {
    names: ['reverse-event', 're'],
    takes: '',
    about: 'back to the system call before',
    run: plain({ kind: 'event', back: true }),
  },
  { names: ['start', 'r'], takes: '', about: 'to the beginning of the recording', run: plain({ kind: 'start' }) },
  { names: ['end'], takes: '', about: 'to the end of the recording', run: plain({ kind: 'end' }) },
  {
    names: ['goto'],
    takes: 'COUNT',
    about: 'to a moment, counted in instructions',
    run: (prompt, text) => move(prompt, { kind: 'goto', count: times(text) }),
  },
  {
    names: ['when'],
    takes: '',
    about: 'which moment this is',
    run: ({ session: { stop } }) => `instruction ${stop.count}, ${stop.time} ns since boot, system call ${stop.calls}`,
  },
  {
    names: ['who'],
    takes: 'wrote EXPRESSION',
    about: 'back to the instruction that wrote it last',
    run: async (prompt, text) => {
      const what = text.replace(/^wrote\s+/, '');
      const written = await prompt.session.whoWrote(what, prompt.options);
      prompt.shown = prompt.session.lines.length;
      if (written === undefined) return `${what} has been as it is since the beginning`;
      return `${what}: ${written.before} -> ${written.after}\n${stopText(prompt.session, prompt.session.stop)}`;
    },
  },
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
  { names: ['list', 'l'], takes: '', about: 'C lines around this one', run: ({ session }) => listText(session) },
  {
    names: ['disassemble', 'dis'],
    takes: '[bpf|x86]',
    about: 'the program, or the function that runs',
    run: ({ session }, text) => disassembleText(session, text === 'bpf' ? 'bpf' : 'x86'),
  },
  { names: ['backtrace', 'bt'], takes: '', about: 'the call stack', run: ({ session }) => callsText(session) },
  {
    names: ['info', 'i'],
    takes: Object.keys(INFO).join('|'),
    about: 'lists',
    run: ({ session }, text) => {
      const name = Object.keys(INFO).find((n) => text !== '' && n.startsWith(text));
      if (name === undefined) throw new DebugError(`info ${Object.keys(INFO).join('|')}`);
      return (INFO[name] as (session: Session) => string)(session);
    },
  },
  {
    names: ['record'],
    takes: 'FILE',
    about: 'write the session to a file that debug, tui and load open anywhere',
    run: ({ session }, text) => {
      if (text === '') throw new DebugError('record FILE');
      const { writeFile } = session.options;
      if (writeFile === undefined) throw new DebugError('there are no files to write here');
      const bytes = session.record();
      writeFile(text, bytes);
      return `${text}: ${bytes.length} bytes; ebpf-emu debug ${text} opens it`;
    },
  },
  {
    names: ['help', 'h'],
    takes: '[COMMAND]',
    about: 'what there is',
    run: (_, text) =>
      COMMANDS.filter((c) => text === '' || c.names.includes(text))
        .map(
          (c) =>
            `${[c.names.join(', '), c.takes]
              .filter((t) => t !== '')
              .join(' ')
              .padEnd(36)} ${c.about}`,
        )
        .join('\n'),
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
