/** C lines and function names of a program, by slot of the program as loaded. */
import type { Btf, ExtFuncInfo, ExtLineInfo } from '../../btf/index.ts';
import { prototype } from './prototype.ts';

export interface SourceLine {
  readonly text: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface SourceMap {
  /** line that begins at the slot */
  line(slot: number): SourceLine | undefined;
  /** signature of the function that begins at the slot */
  signature(slot: number): string | undefined;
}

/** Without BTF nothing is known, and the listing shows instructions only. */
export function sourceMap(
  btf: Btf | undefined,
  info: { readonly funcInfo: readonly ExtFuncInfo[]; readonly lineInfo: readonly ExtLineInfo[] },
): SourceMap {
  const lines = new Map(btf ? info.lineInfo.map((l) => [l.insnOff, l] as const) : []);
  const funcs = new Map(btf ? info.funcInfo.map((f) => [f.insnOff, f.typeId] as const) : []);
  return {
    line(slot) {
      const record = lines.get(slot);
      if (!btf || !record) return undefined;
      return {
        text: btf.string(record.lineOff).trimStart(),
        file: btf.string(record.fileNameOff),
        line: record.lineCol >>> 10,
        column: record.lineCol & 0x3ff,
      };
    },
    signature(slot) {
      const id = funcs.get(slot);
      return btf && id !== undefined ? prototype(btf, id) || undefined : undefined;
    },
  };
}

/** `; return 0; [file:hello.c line_num:11 line_col:2]`, the place only where it is asked for. */
export const sourceText = (line: SourceLine, place: boolean): string =>
  `; ${line.text}${place ? ` [file:${line.file} line_num:${line.line} line_col:${line.column}]` : ''}`;
