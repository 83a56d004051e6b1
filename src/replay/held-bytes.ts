/** A recording that is in memory as a whole, as a source of bytes. */
import type { ByteSource } from '../platform/index.ts';

export class HeldBytes implements ByteSource {
  readonly #bytes: Uint8Array;
  #isRead = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  read(): Uint8Array | undefined {
    if (this.#isRead) return undefined;
    this.#isRead = true;
    return this.#bytes.slice();
  }
  async ready(): Promise<void> {}
  rewind(): boolean {
    this.#isRead = false;
    return true;
  }
  close(): void {}
}
