/** C files that the object's line information names: on the host, or as far as BTF has their lines. */
import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugError } from '../../debug/index.ts';
import type { Adapter } from './adapter.ts';

/** In the order in which programs name them: the number of one that is not on the host is its place. */
export const filesOf = ({ session }: Adapter): string[] => [
  ...new Set(session.programs.list.flatMap((p) => [...p.lineStarts()].map(([, line]) => line.file))),
];

export function sourceOf(adapter: Adapter, file: string): DebugProtocol.Source {
  const path = adapter.sourcePath(file);
  if (path !== undefined) return { name: basename(file), path };
  return { name: basename(file), sourceReference: filesOf(adapter).indexOf(file) + 1, origin: 'lines in BTF' };
}

/** The file that a client means. @throws DebugError */
export function fileOf(adapter: Adapter, source: DebugProtocol.Source): string {
  const files = filesOf(adapter);
  const byNumber = source.sourceReference ? files[source.sourceReference - 1] : undefined;
  const same = byNumber ?? files.find((f) => adapter.sourcePath(f) === source.path);
  // an object that was built elsewhere: by the name alone
  const name = basename((source.path ?? source.name ?? '').replaceAll('\\', '/'));
  const found = same ?? files.find((f) => basename(f) === name);
  if (found === undefined)
    throw new DebugError(
      `no program here has lines of ${name}${files.length > 0 ? `; there are lines of ${files.join(', ')}` : ': compile with clang -g'}`,
    );
  return found;
}

/** The text of a file that is not on the host: the lines that BTF has, each at its place. */
export function textOf(adapter: Adapter, reference: number): string {
  const file = filesOf(adapter)[reference - 1];
  if (file === undefined) throw new DebugError(`there is no source ${reference}`);
  const whole = adapter.session.options.source?.(file);
  if (whole !== undefined) return whole;
  const lines: string[] = [];
  for (const program of adapter.session.programs.list)
    for (const [, line] of program.lineStarts()) if (line.file === file) lines[line.line - 1] = line.text;
  return Array.from(lines, (text) => text ?? '').join('\n');
}

/** Lines with code. */
export function codeLines(adapter: Adapter, file: string): number[] {
  const lines = adapter.session.programs.list.flatMap((p) => [...p.lineStarts()]);
  return [...new Set(lines.filter(([, l]) => l.file === file).map(([, l]) => l.line))].sort((a, b) => a - b);
}
