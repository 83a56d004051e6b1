/** Panes by name. */
import type { PaneName } from '../layout.ts';
import type { Model } from '../model.ts';
import type { Story } from '../story.ts';
import { bpf } from './bpf.ts';
import { calls } from './calls.ts';
import { help } from './help.ts';
import { jited } from './jited.ts';
import { lines } from './lines.ts';
import { log } from './log.ts';
import { maps } from './maps.ts';
import { object } from './object.ts';
import type { Pane, PaneText } from './pane.ts';
import { patch } from './patch.ts';
import { registers } from './registers.ts';
import { source } from './source.ts';
import { stack } from './stack.ts';
import { states } from './states.ts';
import { trace } from './trace.ts';
import { verifier } from './verifier.ts';
import { x86 } from './x86.ts';
import { xlated } from './xlated.ts';

/** Of any program, also one that was refused. */
const STORY = { object, log, states, lines, help };
const RUN: Readonly<Record<Exclude<PaneName, keyof typeof STORY>, Pane>> = {
  source,
  bpf,
  x86,
  registers,
  calls,
  verifier,
  maps,
  stack,
  patch,
  trace,
  xlated,
  jited,
};

/** @param model undefined where no program runs, as the verifier refused it */
export function paneText(
  name: PaneName,
  story: Story,
  model: Model | undefined,
  width: number,
  height: number,
): PaneText {
  if (name === 'object' || name === 'log' || name === 'states' || name === 'lines' || name === 'help')
    return STORY[name](story, width);
  if (model === undefined) return { title: name, rows: [], current: -1 };
  return RUN[name](model, width, height);
}
