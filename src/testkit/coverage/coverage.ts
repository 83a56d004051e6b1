/**
 * Which lines, functions and ways of branches of the C source were executed. What the verifier found to be dead, and the
 * kernel removed, is unreachable: it is neither hit nor missed.
 */
import type { ProgCounts } from '../../../kernel-sim/bpf/objects/counting.ts';
import { BPF_CALL, BPF_EXIT, BPF_JA, BPF_JMP, BPF_JMP32, bpfClass, bpfOp, type Insn } from '../../isa/index.ts';
import { sourceOf } from './source.ts';

export interface BranchCoverage {
  readonly line: number;
  /** place of its jump among those of the line, from 0 */
  readonly index: number;
  /** how often it went each way: jumped, and on */
  readonly ways: readonly [jumped: number, wentOn: number];
}
export interface FunctionCoverage {
  readonly name: string;
  readonly line: number;
  readonly hits: number;
}
export interface FileCoverage {
  readonly file: string;
  /** executions by line number */
  readonly lines: ReadonlyMap<number, number>;
  /** lines of which no code is left */
  readonly unreachable: ReadonlySet<number>;
  /** text of the lines that have code */
  readonly text: ReadonlyMap<number, string>;
  readonly functions: readonly FunctionCoverage[];
  readonly branches: readonly BranchCoverage[];
}

interface Gathered {
  readonly lines: Map<number, number>;
  readonly dead: Set<number>;
  readonly text: Map<number, string>;
  readonly functions: Map<string, FunctionCoverage>;
  readonly branches: Map<string, BranchCoverage>;
}
/** {@link Coverage} as JSON, for those who merge what several processes ran. */
export interface CoverageJson {
  readonly files: readonly {
    readonly file: string;
    readonly lines: readonly (readonly [line: number, hits: number])[];
    readonly dead: readonly number[];
    readonly text: readonly (readonly [line: number, text: string])[];
    readonly functions: readonly FunctionCoverage[];
    readonly branches: readonly BranchCoverage[];
  }[];
}

export class Coverage {
  readonly #files = new Map<string, Gathered>();

  /** Files by name. */
  get files(): readonly FileCoverage[] {
    return [...this.#files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([file, { lines, dead, text, functions, branches }]) => ({
        file,
        lines: new Map([...lines].sort(([a], [b]) => a - b)),
        unreachable: new Set([...dead].filter((line) => !lines.has(line)).sort((a, b) => a - b)),
        text,
        functions: [...functions.values()].sort((a, b) => a.line - b.line),
        branches: [...branches.values()].sort((a, b) => a.line - b.line || a.index - b.index),
      }));
  }

  /** Adds what another run covered. */
  merge(other: Coverage): this {
    return this.#add(other.toJSON());
  }
  static fromJSON(json: CoverageJson): Coverage {
    return new Coverage().#add(json);
  }
  toJSON(): CoverageJson {
    return {
      files: [...this.#files].map(([file, { lines, dead, text, functions, branches }]) => ({
        file,
        lines: [...lines],
        dead: [...dead],
        text: [...text],
        functions: [...functions.values()],
        branches: [...branches.values()],
      })),
    };
  }
  #add({ files }: CoverageJson): this {
    for (const { file, lines, dead, text, functions, branches } of files) {
      const into = this.#file(file);
      for (const [line, hits] of lines) addTo(into.lines, line, hits);
      for (const line of dead) into.dead.add(line);
      for (const [line, words] of text) into.text.set(line, words);
      for (const { name, line, hits } of functions) addFunction(into, name, line, hits);
      for (const { line, index, ways } of branches) addBranch(into, line, index, ways);
    }
    return this;
  }

  /** Adds what was counted of a program. False where it has no records of lines. */
  add(counts: ProgCounts): boolean {
    const source = sourceOf(counts);
    if (!source) return false;
    const { executed, goesOn, isReachable, isJump, prog } = counts;
    /** a line has several records, of which each is passed as often as its first instruction that is left */
    const own = new Map<string, Map<number, number>>();
    const jumps = new Map<string, number>();
    for (const { file, line, text, start, end } of source.rows) {
      if (line === 0) continue;
      const into = this.#file(file);
      into.text.set(line, text);
      let hits = -1;
      for (let slot = start; slot < end; slot++) {
        if (isReachable[slot] === 1) hits = Math.max(hits, executed[slot] as number);
        if (isReachable[slot] !== 1 || !isJump[slot] || !isConditional(prog.init.loaded[slot] as Insn)) continue;
        const at = `${file}:${line}`;
        const index = jumps.get(at) ?? 0;
        jumps.set(at, index + 1);
        const on = goesOn[slot] as number;
        addBranch(into, line, index, [(executed[slot] as number) - on, on]);
      }
      if (hits < 0) into.dead.add(line);
      else {
        const lines = own.get(file) ?? new Map<number, number>();
        own.set(file, lines.set(line, Math.max(lines.get(line) ?? 0, hits)));
      }
    }
    for (const [file, lines] of own) for (const [line, hits] of lines) addTo(this.#file(file).lines, line, hits);
    for (const { name, start, row } of source.functions)
      if (row && row.line > 0 && isReachable[start] === 1)
        addFunction(this.#file(row.file), name, row.line, executed[start] as number);
    return true;
  }

  #file(name: string): Gathered {
    let file = this.#files.get(name);
    if (!file) {
      file = { lines: new Map(), dead: new Set(), text: new Map(), functions: new Map(), branches: new Map() };
      this.#files.set(name, file);
    }
    return file;
  }
}

const addTo = (map: Map<number, number>, key: number, value: number): void =>
  void map.set(key, (map.get(key) ?? 0) + value);
function addFunction({ functions }: Gathered, name: string, line: number, hits: number): void {
  functions.set(name, { name, line, hits: (functions.get(name)?.hits ?? 0) + hits });
}
function addBranch(
  { branches }: Gathered,
  line: number,
  index: number,
  [jumped, wentOn]: BranchCoverage['ways'],
): void {
  const key = `${line}:${index}`;
  const [a, b] = branches.get(key)?.ways ?? [0, 0];
  branches.set(key, { line, index, ways: [a + jumped, b + wentOn] });
}

function isConditional(insn: Insn): boolean {
  const cls = bpfClass(insn.code);
  const op = bpfOp(insn.code);
  return (cls === BPF_JMP || cls === BPF_JMP32) && op !== BPF_JA && op !== BPF_CALL && op !== BPF_EXIT;
}
