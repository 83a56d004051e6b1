import { type Addr, addrOf } from '../../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../../src/platform/index.ts';
import { u32Bytes, u64Bytes } from './call.ts';

/** The caller's structure, as the kernel changes it before it goes back. */
export class InfoBuffer {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }
  u32(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
  pointer(offset: number): Addr {
    return addrOf(this.#view.getInt32(offset, true), this.#view.getInt32(offset + 4, true));
  }
  set32(offset: number, value: number): void {
    this.bytes.set(u32Bytes(value), offset);
  }
  set64(offset: number, value: bigint): void {
    this.bytes.set(u64Bytes(value), offset);
  }
  setName(offset: number, name: string): void {
    this.bytes.set(encodeUtf8(name).subarray(0, 15), offset);
  }
}
