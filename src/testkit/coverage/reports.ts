/** Coverage as others read it: lcov's tracefile (geninfo(1)), Cobertura's XML (its coverage-04.dtd), and text. */
import { checkArgument } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import type { Coverage, FileCoverage } from './coverage.ts';

const isCovered = is.holding('coverage of a file', 'file', 'lines', 'functions', 'branches');
const isCoverage: is.Check = (value) =>
  is.holding('coverage', 'files')(value) ?? is.listOf(isCovered)((value as { readonly files: unknown }).files);

interface Share {
  readonly found: number;
  readonly hit: number;
}
interface Shares {
  readonly lines: Share;
  readonly functions: Share;
  readonly branches: Share;
}

const share = (hits: readonly number[]): Share => ({ found: hits.length, hit: hits.filter((n) => n > 0).length });
const sharesOf = ({ lines, functions, branches }: FileCoverage): Shares => ({
  lines: share([...lines.values()]),
  functions: share(functions.map((f) => f.hits)),
  branches: share(branches.flatMap((b) => [...b.ways])),
});
const sum = (all: readonly Share[]): Share => ({
  found: all.reduce((n, s) => n + s.found, 0),
  hit: all.reduce((n, s) => n + s.hit, 0),
});
const total = (all: readonly Shares[]): Shares => ({
  lines: sum(all.map((s) => s.lines)),
  functions: sum(all.map((s) => s.functions)),
  branches: sum(all.map((s) => s.branches)),
});

/** `lcov --list`, genhtml and most services read it. @param test name of the run */
export function lcov(coverage: Coverage, test = ''): string {
  checkArgument('coverage', coverage, isCoverage);
  const out: string[] = [];
  for (const file of coverage.files) {
    const { lines, functions, branches } = sharesOf(file);
    out.push(`TN:${test}`, `SF:${file.file}`);
    for (const { name, line } of file.functions) out.push(`FN:${line},${name}`);
    for (const { name, hits } of file.functions) out.push(`FNDA:${hits},${name}`);
    out.push(`FNF:${functions.found}`, `FNH:${functions.hit}`);
    for (const { line, index, ways } of file.branches) {
      const isReached = ways[0] + ways[1] > 0;
      ways.forEach((taken, way) => void out.push(`BRDA:${line},${index},${way},${isReached ? taken : '-'}`));
    }
    out.push(`BRF:${branches.found}`, `BRH:${branches.hit}`);
    for (const [line, hits] of file.lines) out.push(`DA:${line},${hits}`);
    out.push(`LF:${lines.found}`, `LH:${lines.hit}`, 'end_of_record');
  }
  return out.length === 0 ? '' : `${out.join('\n')}\n`;
}

const rate = ({ found, hit }: Share): string => (found === 0 ? '1' : (hit / found).toFixed(4));
const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** @param timestamp ms since 1970, which the format wants */
export function cobertura(coverage: Coverage, timestamp = 0): string {
  checkArgument('coverage', coverage, isCoverage);
  const files = coverage.files.map((file) => ({ file, shares: sharesOf(file) }));
  const all = total(files.map((f) => f.shares));
  const rates = (s: Shares): string => `line-rate="${rate(s.lines)}" branch-rate="${rate(s.branches)}"`;
  const classes = files.map(({ file, shares }) => {
    const name = xml(file.file);
    const methods = file.functions.map(
      ({ name: func, line, hits }) =>
        `            <method name="${xml(func)}" signature="" line-rate="${hits > 0 ? 1 : 0}" branch-rate="1"><lines><line number="${line}" hits="${hits}"/></lines></method>`,
    );
    const lines = [...file.lines].map(([line, hits]) => {
      const { found, hit } = share(file.branches.filter((b) => b.line === line).flatMap((b) => [...b.ways]));
      const branch =
        found === 0
          ? ' branch="false"'
          : ` branch="true" condition-coverage="${Math.round((100 * hit) / found)}% (${hit}/${found})"`;
      return `            <line number="${line}" hits="${hits}"${branch}/>`;
    });
    return [
      `        <class name="${name}" filename="${name}" ${rates(shares)} complexity="0">`,
      ['          <methods>', ...methods, '          </methods>'].join('\n'),
      ['          <lines>', ...lines, '          </lines>'].join('\n'),
      '        </class>',
    ].join('\n');
  });
  return `<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage ${rates(all)} lines-covered="${all.lines.hit}" lines-valid="${all.lines.found}" branches-covered="${all.branches.hit}" branches-valid="${all.branches.found}" complexity="0" version="0" timestamp="${timestamp}">
  <sources><source>.</source></sources>
  <packages>
    <package name="bpf" ${rates(all)} complexity="0">
      <classes>
${classes.join('\n')}
      </classes>
    </package>
  </packages>
</coverage>
`;
}

const percent = ({ found, hit }: Share): string => (found === 0 ? '-' : `${((100 * hit) / found).toFixed(1)}`);
/** `3-5,9` */
function ranges(lines: readonly number[]): string {
  const out: string[] = [];
  for (let n = 0; n < lines.length; n++) {
    const first = lines[n] as number;
    while (lines[n + 1] === (lines[n] as number) + 1) n++;
    out.push(first === lines[n] ? `${first}` : `${first}-${lines[n]}`);
  }
  return out.join(',');
}

/** A table: a row a file, and the lines that were not executed. */
export function summary(coverage: Coverage): string {
  checkArgument('coverage', coverage, isCoverage);
  const rows = coverage.files.map((file) => {
    const missed = [...file.lines].filter(([, hits]) => hits === 0).map(([line]) => line);
    const dead = [...file.unreachable];
    const note = [ranges(missed), dead.length === 0 ? '' : `unreachable ${ranges(dead)}`].filter((t) => t !== '');
    return { name: file.file, shares: sharesOf(file), note: note.join('; ') };
  });
  const all = [...rows, { name: 'all files', shares: total(rows.map((r) => r.shares)), note: '' }];
  const cells = all.map(({ name, shares, note }) => [
    name,
    percent(shares.lines),
    percent(shares.functions),
    percent(shares.branches),
    note,
  ]);
  const table = [['file', '% lines', '% functions', '% branches', 'lines not executed'], ...cells];
  const widths = [0, 1, 2, 3].map((n) => Math.max(...table.map((row) => row[n]?.length ?? 0)));
  const text = table.map(([name = '', ...rest]) => {
    const numbers = rest.slice(0, 3).map((cell, n) => cell.padStart(widths[n + 1] as number));
    return `${name.padEnd(widths[0] as number)}  ${numbers.join('  ')}  ${rest[3]}`.trimEnd();
  });
  return `${text.join('\n')}\n`;
}
