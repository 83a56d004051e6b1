/** Station 2: what the verifier knows in front of the instruction, and what it learns from it. */
import type { Story } from '../story.ts';
import { type Line, line, span, wrap } from '../text.ts';
import { type PaneText, rows } from './pane.ts';

export function states({ log, step, verdict }: Story, width: number): PaneText {
  const at = log.steps[step];
  const lines: Line[] = [];
  const isLast = step === log.steps.length - 1;
  if (!verdict.accepted && isLast) {
    lines.push(line(span(verdict.message, 'bad')));
    if (verdict.meaning != null)
      for (const text of wrap(verdict.meaning, Math.max(20, width))) lines.push(line(span(text, 'prose')));
  }
  if (at === undefined) {
    lines.push(line(span('(the log has no instructions)', 'dim')));
    return { title: 'what is known', rows: rows(lines), current: -1 };
  }
  if (at.source !== undefined) lines.push(line(span('C      ', 'dim'), span(at.source, 'source')));
  lines.push(line(span('insn   ', 'dim'), `${at.insn}: ${at.text}`));
  for (const [name, value] of at.changes) {
    const was = at.before.get(name);
    lines.push(
      line(
        name.padEnd(7),
        span(value, 'changed'),
        span(was === undefined ? '  new' : was === value ? '' : `  was ${was}`, 'dim'),
      ),
    );
  }
  for (const [name, value] of at.before)
    if (!at.changes.has(name)) lines.push(line(name.padEnd(7), span(value, 'verifier')));
  return { title: `what is known at step ${step + 1} of ${log.steps.length}`, rows: rows(lines), current: -1 };
}
