/** `bpftool prog dump`: the code of programs, each with its head where they are several. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import { heldView, type LoadedView } from '../../debug/program/view.ts';
import { ArgumentError } from '../../errors/argument.ts';
import { type Json, type JsonStyle, jsonText } from '../json.ts';
import { flowText } from './cfg.ts';
import { jitedJson, jitedText } from './jited.ts';
import { progHead, progHeadJson } from './prog.ts';
import { withProg } from './select.ts';
import { type ListingOptions, xlatedJson, xlatedText } from './xlated.ts';

export interface DumpOptions extends ListingOptions {
  readonly what: 'xlated' | 'jited';
  /** the control flow, for dot(1) */
  readonly visual?: boolean;
}

/** @throws ArgumentError where what is asked for has no such form, BpfError for ids that are none */
export function dumpPrograms(kernel: Kernel, ids: readonly number[], options: DumpOptions, style: JsonStyle): string {
  const { what, visual } = options;
  if (visual && style !== 'text') throw new ArgumentError('command', 'a graph has no form as JSON');
  if (visual && what === 'jited') throw new ArgumentError('command', 'machine code has no form as a graph: xlated has');
  const all = ids.map((id) =>
    withProg(kernel, id, (handle) => ({ prog: handle.prog, view: heldView(kernel, handle) })),
  );
  const json = (view: LoadedView): Json => (what === 'xlated' ? xlatedJson(view, options) : jitedJson(view, options));
  const [only, ...more] = all;
  if (style !== 'text') {
    const value =
      only && more.length === 0
        ? json(only.view)
        : all.map(({ prog, view }) => ({ ...progHeadJson(prog), insns: json(view) }));
    return `${jsonText(value, style)}\n`;
  }
  const text = (view: LoadedView): string => {
    if (visual) return flowText(view);
    return what === 'xlated' ? xlatedText(view, options) : jitedText(view, options);
  };
  if (only && more.length === 0) return text(only.view);
  return all.map(({ prog, view }) => `${progHead(prog)}\n${text(view)}`).join('\n');
}
