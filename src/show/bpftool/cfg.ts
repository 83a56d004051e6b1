/** `bpftool prog dump xlated ... visual`: the control flow of each function, for dot(1). */
import type { LoadedView, PlacedFunction } from '../../debug/program/view.ts';
import { type XlatedLine, xlatedLines } from '../../debug/program/xlated-lines.ts';

const CLASS_JMP = 5;
const CLASS_JMP32 = 6;
const OP = { JA: 0x00, CALL: 0x80, EXIT: 0x90 };

interface Jump {
  readonly op: number;
  /** slot that it goes to */
  readonly target: number;
}

/** undefined where the instruction is no jump, and for calls and exits, which end no block by themselves. */
function jumpOf({ bytes, slot }: XlatedLine): Jump | undefined {
  const code = bytes[0] ?? 0;
  const kind = code & 7;
  const op = code & 0xf0;
  if ((kind !== CLASS_JMP && kind !== CLASS_JMP32) || op === OP.CALL || op === OP.EXIT) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const far = kind === CLASS_JMP32 && op === OP.JA;
  return { op, target: slot + 1 + (far ? view.getInt32(4, true) : view.getInt16(2, true)) };
}

interface Block {
  readonly id: number;
  readonly lines: readonly XlatedLine[];
}

/** Blocks begin where a jump goes to, and behind a conditional one. Ids 0 and 1 are entry and exit. */
function blocksOf(lines: readonly XlatedLine[]): Block[] {
  const heads = new Set([lines[0]?.slot]);
  lines.forEach((line, n) => {
    const jump = jumpOf(line);
    if (!jump) return;
    heads.add(jump.target);
    if (jump.op !== OP.JA) heads.add(lines[n + 1]?.slot);
  });
  const blocks: { id: number; lines: XlatedLine[] }[] = [];
  for (const line of lines) {
    if (heads.has(line.slot)) blocks.push({ id: blocks.length + 2, lines: [] });
    blocks.at(-1)?.lines.push(line);
  }
  return blocks;
}

const isCall = ({ bytes }: XlatedLine): boolean => bytes[0] === (CLASS_JMP | OP.CALL);

/**
 * Where each block goes: on to the next (the last: to the exit), and where its jump goes. A call at the end of a block
 * counts as a jump to what is behind it, so that two edges lead there.
 */
function edgesOf(blocks: readonly Block[]): [from: number, to: number][] {
  const edges: [number, number][] = [[0, blocks[0]?.id ?? 1]];
  blocks.forEach((block, n) => {
    const last = block.lines.at(-1) as XlatedLine;
    const jump = jumpOf(last);
    const next = blocks[n + 1]?.id ?? 1;
    if (jump?.op !== OP.JA) edges.push([block.id, next]);
    if (isCall(last)) edges.push([block.id, next]);
    const to = jump && blocks.find((b) => b.lines[0]?.slot === jump.target);
    if (to) edges.push([block.id, to.id]);
  });
  return edges;
}

/** What record labels of dot(1) take for themselves. */
const escaped = (text: string): string => text.replace(/[\\"<>{}|&]/g, '\\$&');

/** The number is the function's own; calls of the program's functions are without their names. */
function insnText(line: XlatedLine, start: number): string {
  const text = line.text.replace(/^(\(85\) call pc[-+]\d+)#\w+$/, '$1');
  return `${String(line.slot - start).padStart(4)}: ${escaped(text)}\\l\\\n`;
}

function blockText(func: number, block: Block, start: number): string {
  const insns = block.lines.map((l) => insnText(l, start));
  return `\tfn_${func}_bb_${block.id} [shape=record,style=filled,label="{${insns.join(' | ')}}"];\n\n`;
}

const marker = (func: number, id: number, word: string): string =>
  `\tfn_${func}_bb_${id} [shape=Mdiamond,style=filled,label="${word}"];\n\n`;

function functionText(lines: readonly XlatedLine[], { start, end }: PlacedFunction, n: number): string {
  const blocks = blocksOf(lines.filter((l) => l.slot >= start && l.slot < end));
  const edge = (from: number, to: number, style: string): string =>
    `\tfn_${n}_bb_${from}:s -> fn_${n}_bb_${to}:n [style=${style}, constraint=true];\n`;
  return [
    `subgraph "cluster_${n}" {\n\tstyle="dashed";\n\tcolor="black";\n\tlabel="func_${n} ()";\n`,
    marker(n, 0, 'ENTRY'),
    ...blocks.map((b) => blockText(n, b, start)),
    marker(n, 1, 'EXIT'),
    ...edgesOf(blocks).map(([from, to]) => edge(from, to, '"solid,bold", color=black, weight=10')),
    edge(0, 1, '"invis"'),
    '}\n',
  ].join('');
}

export function flowText(view: LoadedView): string {
  const lines = xlatedLines(view);
  return `digraph "DOT graph for eBPF program" {\n${view.functions.map((f, n) => functionText(lines, f, n)).join('')}}\n`;
}
