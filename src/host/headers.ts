/**
 * Kernel headers as BCC can compile them. libbcc brings a copy of include/uapi/linux/bpf.h that it includes before all else;
 * one that is older than the headers lacks structures of which include/linux/bpf.h takes the size (Debian 12's 0.26 on
 * 6.12: bpf_wq, bpf_rb_root, bpf_rb_node, bpf_refcount), and whatever includes net/sock.h does not compile, on Linux as
 * here. So a process that has libbcc and goes to the headers comes to a folder of links to them, in which
 * include/linux/bpf.h first defines what that copy lacks, in the headers' own words.
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PrivateDir } from './private-dir.ts';

const UAPI = 'include/uapi/linux/bpf.h';
/** which include/linux/bpf.h defines itself */
const GUARD = '_LINUX_BPF_H';
const KERNEL = ['include', 'linux', 'bpf.h'] as const;

/** Structures that a header defines, in its order. */
const structures = (header: string): readonly RegExpMatchArray[] => [
  ...header.matchAll(/^struct (\w+) \{[\s\S]*?^\}[^;]*;/gm),
];

/** Text of the structures that the headers in `folder` define and a library's copy does not. */
export function lacking(folder: string, library: Uint8Array): string {
  const copy = Buffer.from(library.buffer, library.byteOffset, library.byteLength);
  return structures(readFileSync(join(folder, UAPI), 'utf8'))
    .filter(([, name]) => !copy.includes(`struct ${name} {`))
    .map(([text]) => `${text}\n`)
    .join('');
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
