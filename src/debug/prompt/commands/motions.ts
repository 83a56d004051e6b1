/** Commands that move through time. */
import { nanoseconds } from '../../../../kernel-sim/core/duration.ts';
import { ArgumentError } from '../../../errors/argument.ts';
import { parseBreakpoint } from '../../breakpoints/parse.ts';
import { DebugError } from '../../error.ts';
import { returned, returnType } from '../../program/returned.ts';
import type { Motion, Unit } from '../../session/types.ts';
import { type Command, type Prompt, times } from '../command.ts';
import { displayed } from '../displays.ts';
import { stopText } from '../text.ts';

/** Moves; what trace_pipe got on the way, where it stands, and what is displayed there. */
export async function move(prompt: Prompt, motion: Motion): Promise<string> {
  const { session } = prompt;
  const stop = await session.move(motion, prompt.options);
  const lines = session.lines.slice(Math.min(prompt.shown, session.lines.length)).map((l) => l.text);
  prompt.shown = session.lines.length;
  return [...lines, stopText(session, stop), ...displayed(prompt)].join('\n');
}

/** As gdb's: what the function gave is told where it has returned. */
async function finish(prompt: Prompt): Promise<string> {
  const { session } = prompt;
  const type = returnType(session);
  const [frame] = session.frames;
  const said = await move(prompt, { kind: 'finish' });
  const { reason, place } = session.stop;
  const value =
    type !== undefined && reason === 'step' && place.rip === frame?.returnTo ? returned(session, type) : undefined;
  return value === undefined ? said : `${said}\nValue returned is ${session.show(value).text}`;
}

const step = (kind: 'step' | 'next', unit: Unit, back: boolean) => (prompt: Prompt, text: string) =>
  move(prompt, { kind, unit, back, times: times(text) });
const plain = (motion: Motion) => (prompt: Prompt) => move(prompt, motion);

/** A moment as people say it. @throws DebugError */
function momentOf({ session }: Prompt, text: string): Motion {
  const event = /^event\s+(\d+)$/.exec(text);
  if (event) return { kind: 'call', calls: Number(event[1]) };
  if (/^\d+$/.test(text)) return { kind: 'goto', count: Number(text) };
  if (/^\d+\.\d+$/.test(text)) return { kind: 'time', ns: Math.round(Number(text) * 1e9) };
  try {
    return { kind: 'time', ns: session.timeline.replay.startNs + nanoseconds(text) };
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new DebugError(`'${text}' is no moment: 20000, event 14, 5ms or 600.005291`);
  }
}

export const MOTIONS: readonly Command[] = [
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
  { names: ['finish'], takes: '', about: 'to where this function returns to, and what it gives', run: finish },
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
    takes: 'COUNT | event N | TIME',
    about: 'to a moment: instructions or system calls, 5ms since the start, or 600.005291 as trace_pipe has it',
    run: (prompt, text) => move(prompt, momentOf(prompt, text)),
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
    names: ['advance', 'until', 'u'],
    takes: 'PLACE',
    about: 'to a place as break takes, or the breakpoint in front of it',
    run: async (prompt, text) => {
      const { breakpoints } = prompt.session;
      const { at, condition } = parseBreakpoint(text);
      const { id } = breakpoints.add(at, { temporary: true, ...(condition === undefined ? {} : { condition }) });
      const said = await move(prompt, { kind: 'continue' });
      // another stopped it first
      if (breakpoints.list.some((b) => b.id === id)) breakpoints.remove(id);
      return said;
    },
  },
];
