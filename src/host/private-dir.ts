/** A directory of this run's own: files of the model as the command can open them. Nothing else of the host is written. */
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Process ids are one namespace's: containers may share a folder of temporary files. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
};

/** Folders of this user's whose emulator was killed together with its supervisor, which would have removed them. */
export function clearStale(folder: string, prefix: string): void {
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(prefix) ? /^(\d+)-/.exec(name.slice(prefix.length))?.[1] : undefined;
    if (pid === undefined || isAlive(Number(pid))) continue;
    const path = join(folder, name);
    try {
      if (statSync(path).uid === process.getuid?.()) rmSync(path, { recursive: true, force: true });
    } catch {
      // another one was faster
    }
  }
}

export class PrivateDir {
  readonly path: string;
  #files = 0;
  /** by path in the model: what was last written, and where */
  readonly #snapshots = new Map<string, { readonly at: string; readonly bytes: Uint8Array }>();
  constructor() {
    const prefix = `ebpf-emu-${pidNamespace()}-`;
    clearStale(tmpdir(), prefix);
    this.path = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  }
  /** A file that holds these bytes. One that is open elsewhere keeps what it has. */
  snapshot(name: string, bytes: Uint8Array): string {
    const known = this.#snapshots.get(name);
    if (known && Buffer.compare(known.bytes, bytes) === 0) return known.at;
    const at = join(this.path, String(this.#files++));
    writeFileSync(at, bytes, { mode: 0o600 });
    this.#snapshots.set(name, { at, bytes });
    return at;
  }
  /** A path in it that nothing has. */
  fresh(): string {
    return join(this.path, String(this.#files++));
  }
  /** A program of ours that is found before the host's. */
  script(name: string, text: string): string {
    const bin = join(this.path, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, name), text, { mode: 0o700 });
    return bin;
  }
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
