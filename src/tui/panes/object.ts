/** Station 1: what clang wrote. Sections, programs, maps, and the relocations that make it fit this kernel. */
import type { Story } from '../story.ts';
import { type Line, line, type Span, span } from '../text.ts';
import { type PaneText, rows } from './pane.ts';

export function object({ name, sections, inspection }: Story): PaneText {
  const lines: Line[] = [line(span('sections', 'title'))];
  for (const s of sections)
    lines.push(
      line(
        span(`${String(s.index).padStart(4)}  `, 'dim'),
        s.name.padEnd(30),
        span(`${s.type.padEnd(14)} ${s.flags.padEnd(4)} `, 'dim'),
        `${String(s.size).padStart(7)} bytes`,
        span(`  at 0x${s.offset.toString(16)}`, 'dim'),
      ),
    );
  part(lines, 'programs', inspection.programs, (p) => [
    span(`  ${p.name.padEnd(24)}`, 'source'),
    `SEC("${p.section}")  ${p.type}  ${p.linkedInstructions ?? p.instructions} instructions`,
  ]);
  part(lines, 'maps', inspection.maps, (m) => [
    span(`  ${m.name.padEnd(24)}`, 'bold'),
    `${m.type}  key ${m.key ?? `${m.keySize} B`}  value ${m.value ?? `${m.valueSize} B`}  ${m.maxEntries} max`,
  ]);
  part(lines, 'relocations: what the loader fills in', inspection.relocations, (r) => [
    `  ${`${r.function}+${r.insn}`.padEnd(24)}`,
    span(r.kind.padEnd(12), 'dim'),
    ` ${r.symbol}`,
  ]);
  part(lines, "CO-RE: offsets of this kernel's structures", inspection.core, (c) => [
    `  ${`${c.function}+${c.insn}`.padEnd(24)}`,
    span(c.kind.padEnd(18), 'dim'),
    ` ${c.local}  ${String(c.from)} → ${c.to === null ? 'poisoned' : String(c.to)}`,
  ]);
  return { title: `object  ${name}, licence ${inspection.license || 'none'}`, rows: rows(lines), current: -1 };
}

function part<T>(lines: Line[], title: string, all: readonly T[], row: (one: T) => readonly (Span | string)[]): void {
  if (all.length === 0) return;
  lines.push(line(span(title, 'title')));
  for (const one of all) lines.push(line(...row(one)));
}
