/** A pane: a function from a model to rows of text. It knows no terminal. */
import type { BreakpointAt } from '../../debug/index.ts';
import type { Model } from '../model.ts';
import { type Line, type Span, span } from '../text.ts';

export interface Row {
  readonly line: Line;
  /** where `b` puts a breakpoint */
  readonly target?: BreakpointAt;
}

export interface PaneText {
  readonly title: string;
  readonly rows: readonly Row[];
  /** row that stays in sight, -1 for none: the first stand on top */
  readonly current: number;
  /** the current row is where one stands: it is drawn as the cursor */
  readonly cursor?: boolean;
  /** its rows begin with a mark, so that no blank stands in front of them */
  readonly marks?: boolean;
}

/** Of a program that runs. */
export type Pane = (model: Model, width: number, height: number) => PaneText;

/** What stands in front of a line of code. */
export const mark = (row: { readonly current: boolean; readonly breakpoint: boolean }): Span =>
  row.breakpoint ? span(row.current ? '◉' : '●', 'bad') : span(row.current ? '▸' : ' ');

export const rows = (lines: readonly Line[]): Row[] => lines.map((line) => ({ line }));
