/** Which C line each instruction of a program is of, by BTF's line and function records. */
import type { ProgCounts } from '../../../kernel-sim/bpf/objects/counting.ts';
import type { Remaking } from '../../../kernel-sim/bpf/prog/prog.ts';
import type { Btf } from '../../btf/index.ts';

export interface SourceRow {
  /** as the compiler was told it */
  readonly file: string;
  readonly line: number;
  /** the line itself */
  readonly text: string;
  /** first slot of the program as loaded, and the one behind its last */
  readonly start: number;
  readonly end: number;
  readonly func: string;
}
export interface SourceFunction {
  readonly name: string;
  readonly start: number;
  readonly row: SourceRow | undefined;
}
export interface ProgramSource {
  readonly rows: readonly SourceRow[];
  readonly functions: readonly SourceFunction[];
}

/** bits of line_col that are the column */
const COLUMN_BITS = 10;

/** undefined for a program that was loaded without records of its BTF */
export function sourceOf({ prog }: ProgCounts): ProgramSource | undefined {
  const btf = prog.btfObject?.btf;
  const { remaking, loaded } = prog.init;
  if (!btf || !remaking || remaking.lineInfo.length === 0) return undefined;
  const { lineInfo, funcInfo } = remaking;
  const named = funcInfo.map(({ insnOff, typeId }) => ({ start: insnOff, name: btf.typeById(typeId).name }));
  const rows = rowsOf(
    btf,
    lineInfo,
    loaded.length,
    (slot) => named.findLast((f) => f.start <= slot)?.name ?? prog.name,
  );
  return {
    rows,
    functions: named.map(({ start, name }) => ({ name, start, row: rows.find((row) => row.start >= start) })),
  };
}

/** A row for each record of a line. @param func the function that a slot is in */
export function rowsOf(
  btf: Btf,
  lineInfo: Remaking['lineInfo'],
  length: number,
  func: (slot: number) => string,
): readonly SourceRow[] {
  return lineInfo.map((info, n) => ({
    file: btf.string(info.fileNameOff).replace(/^\.\//, ''),
    line: info.lineCol >>> COLUMN_BITS,
    text: lineText(btf, info.lineOff),
    start: info.insnOff,
    end: lineInfo[n + 1]?.insnOff ?? length,
    func: func(info.insnOff),
  }));
}
const lineText = (btf: Btf, offset: number): string => btf.string(offset).trimEnd();
