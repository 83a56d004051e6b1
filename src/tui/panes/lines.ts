/** Station 2: the C lines that the verifier's walk passes, with the one where it stands. */
import type { Story } from '../story.ts';
import { type Line, line, span } from '../text.ts';
import { type PaneText, rows } from './pane.ts';

/** `*n += 1; @ rejected.c:20`, as the log has a line */
const PLACE = /^(.*) @ (.+):(\d+)$/;

export function lines({ log, step, source }: Story): PaneText {
  const places = log.steps.map((s) => PLACE.exec(s.source ?? ''));
  const here = places[step];
  const file = here?.[2] ?? places.find((p) => p)?.[2];
  if (file === undefined)
    return { title: 'C', rows: rows([line(span('(no C lines: compile with clang -g)', 'dim'))]), current: -1 };
  const texts = new Map<number, string>();
  for (const p of places) if (p?.[2] === file) texts.set(Number(p[3]), p[1] as string);
  const visited = new Set(texts.keys());
  for (const [n, text] of source(file)?.split('\n').entries() ?? []) texts.set(n + 1, text);
  const decides = new Set(log.chain.map((n) => Number(places[n]?.[3])));
  const numbers = [...texts.keys()].sort((a, b) => a - b);
  const digits = String(numbers.at(-1) ?? 0).length;
  const current = numbers.indexOf(Number(here?.[3] ?? -1));
  const all = numbers.map((n, at): Line => {
    const mark = at === current ? '▸' : decides.has(n) ? span('●', 'changed') : ' ';
    const style = visited.has(n) ? 'source' : 'plain';
    return line(mark, span(String(n).padStart(digits), 'dim'), ' ', span(texts.get(n) ?? '', style));
  });
  return { title: file, rows: rows(all), current, cursor: true };
}
