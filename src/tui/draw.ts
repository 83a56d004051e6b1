/** A whole screen: header, strip, panes, the moment in prose, keys. */
import { Frame } from './frame.ts';
import { type Node, type PaneName, type Placed, panesOf, place, resized, without } from './layout.ts';
import { layoutOf, SCREENS, SMALLEST } from './layouts.ts';
import type { Model } from './model.ts';
import { paneText } from './panes/index.ts';
import type { PaneText } from './panes/pane.ts';
import { CODE, type State } from './state.ts';
import type { Story } from './story.ts';
import { header, strip } from './strip.ts';
import { fitted, type Line, line, lineWidth, restyle, span } from './text.ts';

/** Where something stands on the screen that was drawn, for the mouse and for scrolling. */
export interface DrawnPane extends Placed {
  readonly text: PaneText;
  /** index of the first row in sight */
  readonly top: number;
}

export interface Drawn {
  readonly lines: readonly Line[];
  readonly panes: readonly DrawnPane[];
}

/** Lines above and below the panes. */
const ABOVE = 2;
const BELOW = 2;

export function draw(state: State, story: Story, model: Model | undefined, cols: number, rows: number): Drawn {
  if (cols < SMALLEST.cols || rows < SMALLEST.rows) return tooSmall(cols, rows);
  const frame = new Frame(cols, rows);
  if (model === undefined) {
    frame.put(0, 0, fitted(line(span(' ebpf-emu', 'bold'), `  ${story.name}`), cols));
    frame.put(0, 1, refusedStrip(story, cols));
  } else {
    frame.put(0, 0, header(model, cols));
    const journey = strip(
      model.stop.reason === 'end' ? passed(model.journey) : model.journey,
      model.bpf?.program ?? story.verdict.program,
      cols,
    );
    frame.put(0, 1, state.screen === 'run' ? journey : screens(state.screen, cols));
  }
  const layout = layoutFor(state, model, cols, rows);
  const rect = { x: 0, y: ABOVE, w: cols, h: rows - ABOVE - BELOW };
  const panes = place(layout, rect).map((p): DrawnPane => {
    const text = paneText(p.pane, story, model, p.w - 2, p.h - 2);
    return { ...p, text, top: topOf(state, p, text) };
  });
  for (const pane of panes) frame.box(pane);
  for (const pane of panes) drawPane(frame, state, pane);
  frame.put(0, rows - 2, fitted(line(' ', prose(state, story, model)), cols));
  frame.put(0, rows - 1, fitted(lastLine(state, model, cols), cols));
  return { lines: frame.lines(), panes };
}

export function layoutFor(state: State, model: Model | undefined, cols: number, rows: number): Node {
  if (state.help) return { pane: 'help' };
  if (state.zoomed) return { pane: state.focus };
  const layout = resized(layoutOf(state.screen, cols, rows, codePane(state, model)), state.sizes);
  return without(layout, state.hidden) ?? { pane: state.focus };
}
export const panesIn = (state: State, model: Model | undefined, cols: number, rows: number): PaneName[] =>
  panesOf(layoutFor(state, model, cols, rows));

/** The one code pane of a small screen: outside of programs there is only machine code. */
export const codePane = (state: State, model: Model | undefined): PaneName =>
  model === undefined || model.stop.place.world === 'image' ? CODE[state.unit] : 'x86';

/** First row in sight: what was scrolled to; else so that the chosen or the current row is seen with some around it. */
function topOf(state: State, { pane, h }: Placed, { rows, current }: PaneText): number {
  const height = h - 2;
  const last = Math.max(0, rows.length - height);
  const scrolled = state.tops.get(pane);
  if (scrolled !== undefined) return Math.min(scrolled, last);
  const at = state.chosen.get(pane) ?? current;
  if (at < 0) return 0;
  return Math.max(0, Math.min(last, at - (height >> 1)));
}

function drawPane(frame: Frame, state: State, { pane, x, y, w, h, text, top }: DrawnPane): void {
  const isFocus = state.focus === pane;
  const room = w - 4;
  if (room > 0) {
    const title = line(span(` ${text.title} `, isFocus ? 'focus' : 'title'));
    frame.put(x + 1, y, lineWidth(title) <= w - 2 ? title : fitted(title, w - 2));
  }
  const chosen = state.chosen.get(pane);
  const isMarked = text.cursor === true || text.marks === true;
  for (let n = 0; n < h - 2; n++) {
    const index = top + n;
    const row = text.rows[index];
    if (row === undefined) break;
    const isCursor = text.cursor === true && index === text.current;
    const fill = isCursor ? 'cursor' : 'plain';
    const padded = isMarked ? row.line : [span(' '), ...row.line];
    let l = fitted(padded, w - 2, fill);
    if (isCursor) l = restyle(l, 'cursor');
    else if (index === chosen) l = restyle(l, 'selected');
    frame.put(x + 1, y + 1 + n, l);
  }
  if (top > 0) frame.put(x + w - 1, y + 1, line(span('↑', 'dim')));
  if (top + h - 2 < text.rows.length) frame.put(x + w - 1, y + h - 2, line(span('↓', 'dim')));
}

function prose(state: State, story: Story, model: Model | undefined): ReturnType<typeof span> {
  if (state.busy !== undefined) return span(state.busy, 'changed');
  if (state.screen === 'verify') return span(verifyProse(story), 'prose');
  return span(model?.moment ?? verifyProse(story), 'prose');
}

function verifyProse({ verdict, log, step }: Story): string {
  const { length } = log.steps;
  if (!verdict.accepted && step === length - 1) return `refused: ${verdict.meaning ?? verdict.message}`;
  const { changes, text } = log.steps[step] ?? {};
  const learned = [...(changes ?? [])].map(([name, value]) => `${name} is ${value}`).join(', ');
  const chain = log.chain.includes(step) ? 'this decides the refusal; ' : '';
  return `${chain}${text?.replace(/^\(..\) /, '') ?? 'nothing to walk along'}${learned === '' ? '' : `: from here ${learned}`}`;
}

const KEYS =
  'Space station|s step|n over|f finish|c continue|SNC back|b break|e event|x unit|Tab pane|1-6|? help|q quit';
const SMALL_KEYS = 'Space on|s step|n over|c go|SNC back|b break|x unit|1-6|? help|q quit';
const VERIFY_KEYS = 's S walk|Space Backspace what decides|↑↓ lines|1 object|6 run|? help|q quit';

function lastLine(state: State, model: Model | undefined, cols: number): Line {
  if (state.prompt !== undefined) {
    const what = state.prompt.kind === 'goto' ? 'go to symbol, address or count: ' : '/';
    return line(' ', span(what, 'key'), state.prompt.text, span('_', 'cursor'));
  }
  if (state.message !== undefined) return line(' ', span(state.message, 'changed'));
  if (state.busy !== undefined) return line(' ', span('p', 'key'), ' pause  ', span('q', 'key'), ' quit');
  const text = state.screen === 'verify' || model === undefined ? VERIFY_KEYS : cols >= 112 ? KEYS : SMALL_KEYS;
  return line(
    ' ',
    ...text.split('|').flatMap((item, n) => {
      const [, keys = item, rest = ''] = /^(s S|Space Backspace|\S+)(.*)$/.exec(item) ?? [];
      return [span(`${n > 0 ? '  ' : ''}${keys}`, 'key'), span(rest, 'dim')];
    }),
  );
}

/** At the end nothing runs any more. */
const passed = (journey: Model['journey']): Model['journey'] => journey.map((j) => ({ ...j, state: 'passed' }));

/** The stations of the program's own way, where another than the last is open. */
function screens(open: State['screen'], cols: number): Line {
  const parts = SCREENS.flatMap((name, n) => [
    ...(n > 0 ? [span(' ▸ ', 'dim')] : []),
    name === open ? span(`▌${n + 1} ${name}▐`, 'cursor') : span(`${n + 1} ${name}`, 'dim'),
  ]);
  return fitted([span(' '), ...parts], cols);
}

function refusedStrip({ verdict }: Story, cols: number): Line {
  return fitted(
    line(
      ' object',
      span(' ▸ ', 'dim'),
      span(`▌verifier refuses ${verdict.program}▐`, 'bad'),
      span(` ▸ ${SCREENS.slice(2).join(' ▸ ')}: not reached`, 'dim'),
    ),
    cols,
  );
}

function tooSmall(cols: number, rows: number): Drawn {
  const { cols: c, rows: r } = SMALLEST;
  const words = [`this terminal has ${cols}x${rows};`, `${c}x${r} is the least.`, 'Make it larger, or q'];
  const lines = Array.from({ length: rows }, (_, n) => fitted(line(words[n] ?? ''), cols));
  return { lines, panes: [] };
}
