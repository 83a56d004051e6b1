/** A directory of this run's own: files of the model as the command can open them. Nothing else of the host is written. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class PrivateDir {
  readonly path: string;
  #files = 0;
  /** by path in the model: what was last written, and where */
  readonly #snapshots = new Map<string, { readonly at: string; readonly bytes: Uint8Array }>();
  constructor() {
    this.path = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
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
