/** The lines above the panes: what runs and when, and the strip of the journey with where it stands. */

import type { JourneyStop, Station } from '../debug/index.ts';
import { grouped } from '../show/grouped.ts';
import type { Model } from './model.ts';
import { fitted, type Line, line, lineWidth, type Span, span } from './text.ts';

/** columns from which there is room for what programs are attached to */
const WITH_TARGET = 100;

export function header({ name, attached, stop }: Model, width: number): Line {
  const left = line(
    span(' ebpf-emu', 'bold'),
    `  ${name}`,
    ...(width < WITH_TARGET || attached === '' ? [] : [span(` · ${attached}`, 'dim')]),
    span(` · ${stop.task.comm}-${stop.task.pid}`, 'dim'),
  );
  const seconds = (stop.time / 1e9).toFixed(6);
  const right = `${seconds} s  insn ${grouped(stop.count)}  call ${stop.calls} `;
  const room = Math.max(0, width - right.length - 2);
  return [...fitted(left, room), span(`  ${right}`)];
}

/** What lies behind a program before it first runs. */
const WAY = ['object', 'verify', 'JIT', 'attach'] as const;

/** Names that are short and say the same everywhere. */
const SHORT: Partial<Record<Station, string>> = {
  entry: 'entry',
  patch: 'patch',
  trampoline: 'trampoline',
  handler: 'handler',
  return: 'return',
  user: 'user',
};

/** @param journey its system call is the one under way: back in user mode, the task has its next one ready already */
export function strip(journey: readonly JourneyStop[], program: string, width: number): Line {
  const isBack = journey.at(-1)?.state === 'here';
  const name = (j: JourneyStop): string =>
    j.station === 'image'
      ? program
      : j.station === 'syscall'
        ? isBack
          ? 'syscall'
          : j.label.replace(/^\[user\].*/, 'syscall')
        : (SHORT[j.station] ?? j.label);
  const stops = [
    ...WAY.map((text) => ({ text, state: 'passed' as JourneyStop['state'] })),
    ...journey.map((j) => ({ text: name(j), state: j.state })),
  ];
  const here = stops.findIndex((s) => s.state === 'here');
  // where not all fitted, what was passed first goes first
  for (let from = 0; ; from++) {
    const shown = stops.slice(from);
    const l = draw(shown, from > 0);
    if (lineWidth(l) <= width || from >= here || here < 0) return fitted(l, width);
  }
}

function draw(stops: readonly { readonly text: string; readonly state: JourneyStop['state'] }[], isCut: boolean): Line {
  const spans: Span[] = [span(isCut ? ' … ▸ ' : ' ', 'dim')];
  for (const [n, { text, state }] of stops.entries()) {
    if (n > 0) spans.push(span(' ▸ ', 'dim'));
    if (state === 'here') spans.push(span(`▌${text}▐`, 'cursor'));
    else spans.push(span(text, state === 'passed' ? 'plain' : 'dim'));
  }
  return spans;
}
