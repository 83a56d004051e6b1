/** Commands that show code and the call stack. */
import { type Command, times } from '../command.ts';
import { callsText, disassembleText, frameText, listText } from '../text.ts';

export const PLACES: readonly Command[] = [
  {
    names: ['list', 'l'],
    takes: '[LINE|FUNCTION]',
    about: 'C lines around this one, or around another',
    run: ({ session }, text) => listText(session, text === '' ? undefined : text),
  },
  {
    names: ['disassemble', 'dis'],
    takes: '[bpf|x86]',
    about: 'the program, or the function that runs',
    run: ({ session }, text) => disassembleText(session, text === 'bpf' ? 'bpf' : 'x86'),
  },
  {
    names: ['backtrace', 'bt', 'where'],
    takes: '[N]',
    about: 'the call stack, or its N innermost frames',
    run: ({ session }, text) => callsText(session, text === '' ? undefined : times(text)),
  },
  {
    names: ['frame', 'f'],
    takes: '[N]',
    about: 'the frame of the call stack that names are about: shows it, or selects another',
    run: ({ session }, text) => {
      if (text !== '') session.selectFrame(times(text));
      return frameText(session);
    },
  },
  {
    names: ['up'],
    takes: '[N]',
    about: 'selects the frame that called',
    run: ({ session }, text) => {
      session.selectFrame(Math.min(session.selected + times(text), session.frames.length - 1));
      return frameText(session);
    },
  },
  {
    names: ['down'],
    takes: '[N]',
    about: 'selects the frame that was called',
    run: ({ session }, text) => {
      session.selectFrame(Math.max(session.selected - times(text), 0));
      return frameText(session);
    },
  },
];
