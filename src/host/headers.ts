/**
 * Kernel headers as BCC can compile them. libbcc brings a copy of include/uapi/linux/bpf.h that it includes before all else;
 * one that is older than the headers lacks structures of which include/linux/bpf.h takes the size, and names that others
 * use (Debian 12's 0.26 on 6.12: bpf_wq, bpf_rb_root, BPF_ADDR_SPACE_CAST, BPF_CGROUP_UNIX_CONNECT), and whatever includes
 * net/sock.h does not compile, on Linux as here. So a process that has libbcc and goes to the headers comes to a folder of links to them, in which
 * include/linux/bpf.h first defines what that copy lacks, in the headers' own words.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrivateDir } from './private-dir.ts';

const UAPI = 'include/uapi/linux/bpf.h';
/** which include/linux/bpf.h defines itself */
const GUARD = '_LINUX_BPF_H';
/** bytes around `struct bpf_insn` in which the whole header lies */
const REACH = 1 << 20;
const KERNEL = ['include', 'linux', 'bpf.h'] as const;

/** `struct` or `enum` with its braces, or a macro with the lines that continue it */
const DEFINITION = /^(?:(struct|enum) (\w+) \{[\s\S]*?^\}[^;]*;|#define[ \t]+(\w+)(?:[^\n]*\\\n)*[^\n]*)/gm;
const COMMENT = /\/\*[\s\S]*?\*\//g;

/** Constants of an enum that are not known, each with the value that it has there. */
function constants(text: string, isKnown: (name: string) => boolean): string {
  const body = text.slice(text.indexOf('{') + 1, text.lastIndexOf('}')).replace(COMMENT, '');
  let out = '';
  let value = '0';
  for (const [, name = '', given] of body.matchAll(/^\s*(\w+)(?:\s*=\s*([^,]+))?\s*,?\s*$/gm)) {
    if (given !== undefined) value = given.trim();
    if (!isKnown(name)) out += `enum { ${name} = ${value} };\n`;
    value = /^\d+$/.test(value) ? String(Number(value) + 1) : `${name} + 1`;
  }
  return out;
}

/** Definitions that the headers in `folder` have and a library's copy has not, in the headers' order. */
export function lacking(folder: string, library: Uint8Array): string {
  const copy = Buffer.from(library.buffer, library.byteOffset, library.byteLength);
  // names are looked for as words in the text of the header that the library holds
  const at = copy.indexOf('struct bpf_insn {');
  const names = new Set(
    copy
      .subarray(Math.max(0, at - REACH), at + REACH)
      .toString('latin1')
      .match(/\w+/g),
  );
  let out = '';
  for (const [text, kind, name = '', macro] of readFileSync(join(folder, UAPI), 'utf8').matchAll(DEFINITION)) {
    if (macro !== undefined ? !names.has(macro) : !copy.includes(`${kind} ${name} {`)) out += `${text}\n`;
    else if (kind === 'enum') out += constants(text, (constant) => names.has(constant));
  }
  return out;
}

/** Path of the libbcc that a process has mapped. */
function libraryOf(pid: number): string | undefined {
  try {
    return /\S*\/libbcc\.so\S*/.exec(readFileSync(`/proc/${pid}/maps`, 'latin1'))?.[0];
  } catch {
    return undefined; // it has ended
  }
}

/** `to` has what `from` has, by links; `names` lead to the file that is not one. */
function links(from: string, to: string, [first, ...rest]: readonly string[], text: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) if (name !== first) symlinkSync(join(from, name), join(to, name));
  if (rest.length > 0) links(join(from, first as string), join(to, first as string), rest, text);
  else writeFileSync(join(to, first as string), text);
}

/** The folder that a process comes to that goes to the headers at `path`; undefined where these are as good as they are. */
export function headersFor(pid: number, path: string, dir: PrivateDir): string | undefined {
  const library = libraryOf(pid);
  if (library === undefined) return undefined;
  try {
    const folder = realpathSync(path);
    const missing = lacking(folder, readFileSync(library));
    if (missing === '') return undefined;
    const to = dir.fresh();
    links(folder, to, KERNEL, `#ifndef ${GUARD}\n${missing}#endif\n#include "${join(folder, ...KERNEL)}"\n`);
    return to;
  } catch {
    return undefined; // there are no headers
  }
}

const MODULES = '/lib/modules';

/** How far one release is from another: the first number of a version that differs weighs most. */
function distance(one: string, other: string): number {
  const [a, b] = [one, other].map((release) => (release.match(/\d+/g) ?? []).slice(0, 3).map(Number));
  return [1e8, 1e4, 1].reduce((sum, weight, n) => sum + weight * Math.abs((a?.[n] ?? 0) - (b?.[n] ?? 0)), 0);
}

/** The release whose headers the host has that is nearest to the model's; undefined where it has the model's own, or none. */
export function nearestHeaders(release: string, modules = MODULES): string | undefined {
  const has = (name: string): boolean => existsSync(join(modules, name, 'build'));
  if (has(release) || !existsSync(modules)) return undefined;
  const [nearest] = readdirSync(modules)
    .filter(has)
    .sort((a, b) => distance(a, release) - distance(b, release));
  return nearest;
}

/** Where a path among the headers of the model's release is on a host that has another's; undefined where it is as it says. */
export function amongHeaders(path: string, release: string, modules = MODULES): string | undefined {
  const own = `${MODULES}/${release}`;
  if (path !== own && !path.startsWith(`${own}/`)) return undefined;
  const nearest = nearestHeaders(release, modules);
  return nearest === undefined ? undefined : `${modules}/${nearest}${path.slice(own.length)}`;
}
