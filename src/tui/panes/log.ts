/** Station 2: the verifier's log, with the instruction at which one stands. */
import type { Story } from '../story.ts';
import { type Line, line, type Span, span } from '../text.ts';
import { type PaneText, rows } from './pane.ts';

export function log({ log: view, step, verdict }: Story): PaneText {
  const here = view.steps[step]?.line ?? -1;
  const chain = new Set(view.chain.map((n) => view.steps[n]?.line));
  const bad = verdict.accepted ? -1 : view.lines.lastIndexOf(verdict.message);
  const lines = view.lines.map((text, n): Line => {
    const mark = n === here ? '▸' : chain.has(n) ? span('●', 'changed') : ' ';
    return line(mark, ...coloured(text, n === bad));
  });
  const title = `verifier log  ${verdict.program}: ${verdict.accepted ? 'accepted' : 'refused'}`;
  return { title, rows: rows(lines), current: here, cursor: true };
}

function coloured(text: string, isBad: boolean): Span[] {
  if (isBad) return [span(text, 'bad')];
  if (text.startsWith('; ')) return [span(text, 'source')];
  const at = /^\d+: \(..\) [^;]*/.exec(text)?.[0].length;
  if (at === undefined) return [span(text, /^(?:from )?\d+/.test(text) ? 'verifier' : 'dim')];
  return [span(text.slice(0, at)), span(text.slice(at), 'verifier')];
}
