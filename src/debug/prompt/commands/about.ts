/** Commands that list what there is. */
import { DebugError } from '../../error.ts';
import type { Session } from '../../session/session.ts';
import type { Command } from '../command.ts';
import {
  breakpointsText,
  changesText,
  eventsText,
  frameText,
  lineText,
  localsText,
  mapsText,
  probesText,
  progsText,
  registersText,
  symbolText,
  tasksText,
  watchpointsText,
} from '../text.ts';

/** `of`: what stands behind the name, for those that are about one thing */
const INFO: Readonly<Record<string, (session: Session, of: string) => string>> = {
  args: (session) => localsText(session, true),
  locals: (session) => localsText(session, false),
  breakpoints: breakpointsText,
  watchpoints: watchpointsText,
  events: eventsText,
  maps: mapsText,
  progs: progsText,
  registers: registersText,
  tasks: tasksText,
  changes: changesText,
  marks: ({ timeline }) =>
    `${timeline.marks.size} marks, ${Math.ceil(timeline.marks.bytes / 1024)} KiB, at ${timeline.marks.counts.join(' ')}`,
  probes: probesText,
  frame: frameText,
  line: lineText,
  symbol: symbolText,
};

export const INFO_NAMES: readonly string[] = Object.keys(INFO);

export const ABOUT: readonly Command[] = [
  {
    names: ['info', 'i'],
    takes: Object.keys(INFO).join('|'),
    about: 'lists',
    run: ({ session }, text) => {
      const [, word = '', of = ''] = /^(\S*)\s*(.*)$/.exec(text) ?? [];
      const name = Object.keys(INFO).find((n) => word !== '' && n.startsWith(word));
      if (name === undefined) throw new DebugError(`info ${Object.keys(INFO).join('|')}`);
      return INFO[name]!(session, of);
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
    names: ['source'],
    takes: 'FILE',
    about: 'run the commands of a file, one a line',
    run: () => notHere('source'),
  },
  { names: ['quit', 'q', 'exit'], takes: '', about: 'end the session', run: () => notHere('quit') },
];

/** What the command line does before a line comes here. */
function notHere(what: string): never {
  throw new DebugError(`${what} is for the prompt of ebpf-emu debug`);
}
