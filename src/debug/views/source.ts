/** C lines of the current program; lines that BTF does not tell come from the source, where there is one. */
import type { SessionContext } from '../session/context.ts';
import { currentProgram, currentSlot, type ProgramSlot } from './current.ts';

export interface SourceRow {
  readonly line: number;
  readonly text: string;
  /** slots whose code belongs to the line, in the order in which they begin it; none: no code */
  readonly slots: readonly number[];
  readonly current: boolean;
  readonly breakpoint: boolean;
}

export interface SourceView {
  readonly file: string;
  readonly program: string;
  readonly rows: readonly SourceRow[];
  /** index of the current row, -1 where the program is not at a line */
  readonly current: number;
}

/** `of`: the lines around another place than the current one. undefined where the program has no line information. */
export function sourceView(session: SessionContext, of?: ProgramSlot): SourceView | undefined {
  const program = of === undefined ? currentProgram(session) : session.programs.named(of.program);
  const at = of ?? currentSlot(session);
  const starts = program === undefined ? [] : [...program.lineStarts()];
  const first = starts[0]?.[1];
  if (program === undefined || first === undefined) return undefined;
  // in what it calls, the line that calls
  const here = at?.program === program.name ? program.line(at.slot) : undefined;
  const file = here?.file ?? first.file;
  const slots = new Map<number, number[]>();
  const texts = new Map<number, string>();
  for (const [slot, line] of starts) {
    if (line.file !== file) continue;
    slots.set(line.line, [...(slots.get(line.line) ?? []), slot]);
    texts.set(line.line, line.text);
  }
  const whole = session.options.source?.(file)?.split('\n');
  const numbers = whole?.map((_, n) => n + 1) ?? [...texts.keys()].sort((a, b) => a - b);
  const points = new Set(session.breakpoints.addresses);
  const rows = numbers.map((line): SourceRow => {
    const own = slots.get(line) ?? [];
    return {
      line,
      text: whole?.[line - 1] ?? texts.get(line) ?? '',
      slots: own,
      current: here?.line === line,
      breakpoint: own.some((slot) => points.has(program.address(slot) ?? 0)),
    };
  });
  return { file, program: program.name, rows, current: rows.findIndex((r) => r.current) };
}
