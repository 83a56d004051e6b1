/** What a person chose: the screen, the pane in focus, what is scrolled and hidden. Nothing of the program. */
import type { Unit } from '../debug/index.ts';
import type { Axis, PaneName } from './layout.ts';
import type { Screen } from './layouts.ts';

export interface Prompt {
  readonly kind: 'goto' | 'search';
  text: string;
}

export interface State {
  screen: Screen;
  /** what `s` and `n` step by in a program */
  unit: Unit;
  focus: PaneName;
  zoomed: boolean;
  help: boolean;
  readonly hidden: Set<PaneName>;
  /** panes that were made larger or smaller */
  readonly sizes: Map<PaneName, Readonly<Record<Axis, number>>>;
  /** rows chosen with arrows or mouse, a pane each; the others follow the CPU */
  readonly chosen: Map<PaneName, number>;
  /** first rows where the wheel scrolled */
  readonly tops: Map<PaneName, number>;
  prompt: Prompt | undefined;
  /** said in place of the keys until the next one */
  message: string | undefined;
  /** a motion is under way: how far it is */
  busy: string | undefined;
  /** what was searched for last */
  searched: string;
}

export const newState = (screen: Screen, focus: PaneName): State => ({
  screen,
  unit: 'line',
  focus,
  zoomed: false,
  help: false,
  hidden: new Set(),
  sizes: new Map(),
  chosen: new Map(),
  tops: new Map(),
  prompt: undefined,
  message: undefined,
  busy: undefined,
  searched: '',
});

export const CODE: Readonly<Record<Unit, PaneName>> = { line: 'source', bpf: 'bpf', x86: 'x86' };
export const UNITS: readonly Unit[] = ['line', 'bpf', 'x86'];
