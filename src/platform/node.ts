/** The host is Node. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { FileError, GzipError } from './errors.ts';
import type { CipherRun, DataFile, Host, ProgramResult, ProgramRun } from './host.ts';
import { openBytes, openProgram } from './node-bytes.ts';

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);

/** Where data files are: beside the bundle, or in the sources. */
const DATA = ['./data/', '../../kernel-sim/data/'];

function dataFile(name: DataFile): Uint8Array | undefined {
  for (const folder of DATA) {
    const path = fileURLToPath(new URL(folder + name, import.meta.url));
    if (existsSync(path)) return gunzipSync(readFileSync(path));
  }
  return undefined;
}

/** node:crypto is loaded when a program first asks for a cipher. */
function cipher({ name, key, iv, bytes, encrypt }: CipherRun): Uint8Array {
  const crypto = createRequire(import.meta.url)('node:crypto') as typeof import('node:crypto');
  const run = encrypt ? crypto.createCipheriv(name, key, iv ?? null) : crypto.createDecipheriv(name, key, iv ?? null);
  run.setAutoPadding(false);
  return new Uint8Array(Buffer.concat([run.update(bytes), run.final()]));
}

function gunzip(bytes: Uint8Array, most: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    if (code === 'ERR_BUFFER_TOO_LARGE') throw GzipError.tooLong(most);
    throw new GzipError(`damaged gzip data (${message})`);
  }
}

/** These take milliseconds to load: only what starts a program pays for them. */
const childProcess = () => createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
const os = () => createRequire(import.meta.url)('node:os') as typeof import('node:os');
const path = () => createRequire(import.meta.url)('node:path') as typeof import('node:path');

/** as many as Linux follows */
const MOST_LINKS = 40;

/** The path of the host that a path is when `directory` is `/`: each link is followed in there. */
function below(directory: string, wanted: string): string {
  const { join } = path();
  let left = wanted.split('/');
  let done: string[] = [];
  for (let links = 0; left.length > 0; ) {
    const [part, ...rest] = left as [string, ...string[]];
    left = rest;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const at = join(directory, ...done, part);
    if (!lstatSync(at).isSymbolicLink()) {
      done.push(part);
      continue;
    }
    if (++links > MOST_LINKS) throw new FileError(wanted, 'ELOOP');
    const target = readlinkSync(at);
    if (target.startsWith('/')) done = [];
    left = [...target.split('/'), ...left];
  }
  return join(directory, ...done);
}

const MOST_OUTPUT = 1 << 26;

function run({ program, args, files, output }: ProgramRun): ProgramResult {
  const { join, dirname } = path();
  const directory = files || output !== undefined ? mkdtempSync(join(os().tmpdir(), 'ebpf-emu-')) : '.';
  const inside = (name: string): string => join(directory, name);
  try {
    for (const file of files ?? []) {
      mkdirSync(dirname(inside(file.path)), { recursive: true });
      writeFileSync(inside(file.path), file.text());
    }
    const done = childProcess().spawnSync(program, [...args(directory, inside)], {
      encoding: 'utf8',
      maxBuffer: MOST_OUTPUT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return {
      status: done.status ?? undefined,
      stderr: done.stderr ?? '',
      output: output !== undefined && existsSync(inside(output)) ? readFileSync(inside(output)) : undefined,
      error: done.error?.message,
    };
  } catch (error) {
    throw FileError.from(error, directory);
  } finally {
    if (directory !== '.') rmSync(directory, { recursive: true, force: true });
  }
}

export const host: Host = {
  name: 'node',
  sharesMemory: true,
  readFile(path) {
    try {
      return readFileSync(path);
    } catch (error) {
      throw FileError.from(error, path);
    }
  },
  readFileBelow(directory, wanted) {
    try {
      return readFileSync(below(directory, wanted));
    } catch (error) {
      throw FileError.from(error, wanted);
    }
  },
  openBytes,
  openProgram,
  exists: existsSync,
  filesNamed(prefix) {
    const { basename, dirname } = path();
    const directory = dirname(prefix);
    const begin = prefix.endsWith('/') ? '' : basename(prefix);
    try {
      const names = readdirSync(directory).filter((name) => name.startsWith(begin));
      return names.map((name) => prefix + name.slice(begin.length));
    } catch {
      return []; // who opens the path is told why
    }
  },
  dataFile,
  gunzip,
  cipher,
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  now() {
    // not `performance`: node loads that when it is first touched, which takes longer than most programs
    const [seconds, ns] = process.hrtime();
    return seconds * 1000 + ns / 1e6;
  },
  run,
  decodeUtf8: (bytes, from, to) => view(bytes).toString('utf8', from, to),
  encodeUtf8: (text) => Buffer.from(text, 'utf8'),
  decodeLatin1: (bytes, from, to) => view(bytes).toString('latin1', from, to),
  encodeLatin1: (text) => Buffer.from(text, 'latin1'),
  decodeBase64: (text) => Buffer.from(text, 'base64'),
};
