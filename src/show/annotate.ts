/** A program as its stages hold it, beside each other: C, BPF, what the verifier knew, x86. As columns of text, or as one HTML file. */

import type { Kernel } from '../../kernel-sim/index.ts';
import { jitedLines } from '../debug/program/jited-lines.ts';
import { verifierSteps } from '../debug/program/verifier-states.ts';
import { type LoadedView, viewOf } from '../debug/program/view.ts';
import { xlatedLines } from '../debug/program/xlated-lines.ts';
import type { LoadedObject } from '../object/index.ts';
import { hexBytes } from '../platform/index.ts';

type LoadedProgram = LoadedObject<Kernel>['programs'][string];

export interface AnnotatedRow {
  /** the C line that begins here */
  readonly source: string;
  /** `hello.c:11` */
  readonly place: string;
  /** `3: (85) call bpf_trace_printk#...` */
  readonly bpf: string;
  /** what the instruction makes known, each way that the verifier came here */
  readonly states: readonly string[];
  /** machine code, and its bytes */
  readonly x86: readonly { readonly text: string; readonly bytes: string }[];
}

export interface Annotated {
  readonly name: string;
  readonly rows: readonly AnnotatedRow[];
}

/** @param program loaded with logLevel 2, so that the verifier's states are in its log */
export function annotate(kernel: Kernel, program: LoadedProgram, btf: Parameters<typeof viewOf>[2]): Annotated {
  const view = viewOf(kernel, program, btf);
  const { origins } = program.handle.prog.init.code;
  const states = statesOf(program.handle.log);
  const x86 = machineCode(view);
  const rows = xlatedLines(view).map((line): AnnotatedRow => {
    const origin = origins[line.slot] ?? -1;
    const isFirst = line.slot === 0 || origins[line.slot - 1] !== origin;
    const { source } = line;
    return {
      source: source?.text ?? '',
      place: source ? `${source.file.replace(/^.*\//, '')}:${source.line}` : '',
      bpf: `${line.slot}: ${line.text}`,
      states: isFirst ? (states.get(origin) ?? []) : [],
      x86: x86.get(line.slot) ?? [],
    };
  });
  return { name: program.name, rows };
}

/** What each instruction, as loaded, changes in the verifier's state: one a path, without repetitions. */
function statesOf(log: string): ReadonlyMap<number, readonly string[]> {
  const all = new Map<number, string[]>();
  for (const { insn, changes } of verifierSteps(log)) {
    const text = [...changes].map(([name, value]) => `${name}=${value}`).join(' ');
    const known = all.get(insn);
    if (known === undefined) all.set(insn, text === '' ? [] : [text]);
    else if (text !== '' && !known.includes(text)) known.push(text);
  }
  return all;
}

/** Machine code by the slot that it belongs to; a prologue belongs to the first. */
function machineCode(view: LoadedView): ReadonlyMap<number, AnnotatedRow['x86'][number][]> {
  const out = new Map<number, AnnotatedRow['x86'][number][]>();
  for (const func of view.functions) {
    let slot = func.start;
    for (const line of jitedLines(view, func, 'att')) {
      slot = line.begins.at(-1)?.slot ?? slot;
      const list = out.get(slot) ?? [];
      list.push({
        text: `${line.pc.toString(16)}: ${line.text.trimEnd().replace(/\s+/g, ' ')}`,
        bytes: hexBytes(line.bytes),
      });
      out.set(slot, list);
    }
  }
  return out;
}

const HEADS = ['C', 'BPF', 'verifier', 'x86'];
/** wider cells of text are cut */
const WIDEST = [44, 48, 44, 48];

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** Columns of text. */
export function annotatedText({ name, rows }: Annotated): string {
  const lines = rows.flatMap((row) => {
    const cells = [[row.source], [row.bpf], row.states, row.x86.map((x) => x.text)];
    const height = Math.max(...cells.map((c) => c.length));
    return Array.from({ length: height }, (_, n) => cells.map((c, i) => cut(c[n] ?? '', WIDEST[i] as number)));
  });
  const all = [HEADS, ...lines];
  const widths = HEADS.map((_, i) => Math.max(...all.map((l) => (l[i] ?? '').length)));
  const text = (cells: readonly string[]): string =>
    cells
      .map((c, i) => c.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd();
  return `${name}:\n${[text(HEADS), widths.map((w) => '-'.repeat(w)).join('  '), ...lines.map(text)].join('\n')}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replace(/[&<>"]/g, (c) => ESCAPES[c] ?? c);

const STYLE = `body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;color:#222;background:#fff}
table{border-collapse:collapse;width:100%;margin-bottom:2em}
th{text-align:left;position:sticky;top:0;background:#f3f3f3;padding:.3em .6em}
td{font:12px/1.5 ui-monospace,monospace;vertical-align:top;padding:.1em .6em;white-space:pre-wrap;border-top:1px solid #eee}
tr.line td{border-top:1px solid #bbb}
td.c{color:#005a9c}td.v{color:#666}td span{color:#aaa}
tr:hover td{background:#fffbe6}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}th{background:#2a2a2a}td{border-color:#333}tr.line td{border-color:#555}td.c{color:#7cc0ff}td.v{color:#999}td span{color:#666}tr:hover td{background:#2a2718}}`;

/** One file that needs no other. */
export function annotatedHtml(title: string, programs: readonly Annotated[]): string {
  const row = (r: AnnotatedRow): string => {
    const x86 = r.x86.map((x) => `${escaped(x.text)} <span>${x.bytes}</span>`).join('\n');
    return `<tr${r.source === '' ? '' : ' class="line"'}><td class="c" title="${escaped(r.place)}">${escaped(r.source)}</td><td>${escaped(r.bpf)}</td><td class="v">${r.states.map(escaped).join('\n')}</td><td>${x86}</td></tr>`;
  };
  const tables = programs.map(
    ({ name, rows }) =>
      `<h2>${escaped(name)}</h2>\n<table>\n<tr>${HEADS.map((h) => `<th>${h}</th>`).join('')}</tr>\n${rows.map(row).join('\n')}\n</table>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>
${STYLE}
</style></head>
<body>
<h1>${escaped(title)}</h1>
${tables.join('\n')}
</body>
</html>
`;
}
