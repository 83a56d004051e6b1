/** The prompt over a program that the verifier refused: steps along its log, both ways, with what decided as stops. */
import { nearestText } from '../../errors/near.ts';
import type { Refused } from '../refused/refused.ts';

interface Row {
  readonly names: readonly string[];
  readonly about: string;
  run(refused: Refused, text: string): string;
}

const times = (text: string): number => (/^\d+$/.test(text) ? Number(text) : 1);

const ROWS: readonly Row[] = [
  {
    names: ['step', 's', 'stepb', 'sb', 'stepi', 'si', 'next', 'n'],
    about: 'the next instruction that the verifier looked at',
    run: (r, text) => (r.walk(times(text)) ? where(r) : `${where(r)}\n[the log ends here: ${r.message}]`),
  },
  {
    names: ['reverse-step', 'rs', 'rsb', 'rsi', 'rn'],
    about: 'the instruction before',
    run: (r, text) => (r.walk(-times(text)) ? where(r) : `${where(r)}\n[the log begins here]`),
  },
  {
    names: ['continue', 'c', 'station', 'st'],
    about: 'the next instruction that decides',
    run: (r) => (r.walkChain(1) ? where(r) : `${where(r)}\n[this is the last of what decides: ${r.message}]`),
  },
  {
    names: ['reverse-continue', 'rc', 'rst'],
    about: 'the one before that decides: where what the message speaks of came to be',
    run: (r) => (r.walkChain(-1) ? where(r) : `${where(r)}\n[this is the first of what decides]`),
  },
  {
    names: ['start', 'r'],
    about: "the log's first instruction",
    run: (r) => {
      r.at = 0;
      return where(r);
    },
  },
  {
    names: ['end'],
    about: 'the refused instruction',
    run: (r) => {
      r.walk(r.log.steps.length);
      return where(r);
    },
  },
  {
    names: ['info', 'i'],
    about: 'registers: what is known in front of the instruction; chain: all that decides; log: the log around it',
    run: (r, text) => {
      if ('registers'.startsWith(text)) return states(r);
      if ('chain'.startsWith(text)) return chain(r);
      return 'log'.startsWith(text) ? log(r) : 'info registers|chain|log';
    },
  },
  {
    names: ['print', 'p'],
    about: 'what is known of a register or stack slot: R1, fp-8',
    run: (r, text) => r.state.get(text.toUpperCase().replace(/^FP/, 'fp')) ?? `nothing is known of ${text} here`,
  },
  { names: ['list', 'l'], about: 'C lines around this one', run: list },
  { names: ['why', 'where', 'backtrace', 'bt'], about: 'the refusal, and what it means', run: why },
  {
    names: ['help', 'h'],
    about: 'what there is',
    run: () => ROWS.map((row) => `${row.names.slice(0, 3).join(', ').padEnd(30)} ${row.about}`).join('\n'),
  },
];

export class RefusedPrompt {
  readonly refused: Refused;
  #last = '';

  constructor(refused: Refused) {
    this.refused = refused;
  }
  greeting(): string {
    return `${why(this.refused)}\n${where(this.refused)}`;
  }
  async run(line: string): Promise<string> {
    const text = line.trim() === '' ? this.#last : line.trim();
    if (text === '' || text.startsWith('#')) return '';
    this.#last = text;
    const [, word = '', rest = ''] = /^([\w-]+)([\s\S]*)$/.exec(text) ?? [];
    const row = ROWS.find((r) => r.names.includes(word));
    if (row !== undefined) return row.run(this.refused, rest.trim());
    const near = nearestText(
      word,
      ROWS.flatMap((r) => r.names),
    );
    return `no command ${word || text} where a program was refused${near}; help lists all`;
  }
  complete(line: string): [string[], string] {
    const word = /[\w-]*$/.exec(line)?.[0] ?? '';
    return [ROWS.map((r) => r.names[0] as string).filter((n) => n.startsWith(word)), word];
  }
}

function why({ program, message, meaning }: Refused): string {
  return `the verifier refused ${program}: ${message}${meaning ? `\n${meaning}` : ''}`;
}

function where(r: Refused): string {
  const { step, source } = r;
  if (step === undefined) return 'the log shows no instruction';
  const learned = [...step.changes].map(([name, state]) => `${name}=${state}`).join(' ');
  return [
    `instruction ${step.insn}${r.decides ? ', which decides' : ''}`,
    ...(source === undefined ? [] : [`${source.line}\t${source.text}`]),
    `${r.program}@${step.insn}\t${step.text}${learned === '' ? '' : `  -> ${learned}`}`,
  ].join('\n');
}
const states = ({ state }: Refused): string =>
  [...state].map(([name, known]) => `${name.padEnd(6)} ${known}`).join('\n') || 'nothing is known here';

const chain = ({ log: { chain: all, steps }, at }: Refused): string =>
  all
    .map((n) => {
      const step = steps[n];
      return `${n === at ? '>' : ' '} ${String(step?.insn).padStart(4)}: ${step?.text}${step?.source === undefined ? '' : `  ; ${step.source}`}`;
    })
    .join('\n') || 'the message names no register';

const AROUND = 5;
function log({ log: { lines }, step }: Refused): string {
  const at = step?.line ?? lines.length - 1;
  const from = Math.max(0, at - AROUND);
  return lines
    .slice(from, at + AROUND)
    .map((text, n) => `${from + n === at ? '>' : ' '} ${text}`)
    .join('\n');
}
function list({ options, source }: Refused): string {
  if (source === undefined) return 'the log has no C lines: compile with clang -g';
  const whole = options.source?.(source.file)?.split('\n');
  if (whole === undefined) return `> ${source.line}\t${source.text}`;
  const from = Math.max(0, source.line - 1 - AROUND);
  return whole
    .slice(from, from + 2 * AROUND)
    .map((text, n) => `${from + n + 1 === source.line ? '>' : ' '} ${from + n + 1}\t${text}`)
    .join('\n');
}
