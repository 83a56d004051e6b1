/** What the search backwards still looks for (`struct backtrack_state`). */
import {
  HIST_FRAME_MASK,
  HIST_SPI_MASK,
  HIST_SPI_SHIFT,
  HIST_STACK_ACCESS,
  type HistoryEntry,
} from '../state/history.ts';
import { SLOT_SIZE } from '../state/stack.ts';
import { MAX_CALL_FRAMES } from '../state/state.ts';

/** `r1,r6` by mask: each is made once. */
const REG_TEXTS: (string | undefined)[] = [];
function regsText(mask: number): string {
  const out: string[] = [];
  for (let n = 0; n < 32; n++) if ((mask >>> n) & 1) out.push(`r${n}`);
  return out.join(',');
}

/** What is still wanted, per frame: registers and stack slots, as bits. */
export class Wanted {
  frame = 0;
  /** registers, slots 0..31 and slots 32..63 of each frame */
  readonly #bits: number[] = new Array<number>(3 * MAX_CALL_FRAMES).fill(0);

  reset(): void {
    this.#bits.fill(0);
  }
  get empty(): boolean {
    const bits = this.#bits;
    for (let n = 3 * this.frame + 2; n >= 0; n--) if (bits[n] !== 0) return false;
    return true;
  }
  hasReg(n: number, frame = this.frame): boolean {
    return (((this.#bits[3 * frame] as number) >>> n) & 1) === 1;
  }
  setReg(n: number, frame = this.frame): void {
    this.#bits[3 * frame] = (this.#bits[3 * frame] as number) | (1 << n);
  }
  clearReg(n: number, frame = this.frame): void {
    this.#bits[3 * frame] = (this.#bits[3 * frame] as number) & ~(1 << n);
  }
  hasSlot(spi: number, frame: number): boolean {
    return (((this.#bits[3 * frame + 1 + (spi >> 5)] as number) >>> (spi & 31)) & 1) === 1;
  }
  setSlot(spi: number, frame: number): void {
    const at = 3 * frame + 1 + (spi >> 5);
    this.#bits[at] = (this.#bits[at] as number) | (1 << (spi & 31));
  }
  clearSlot(spi: number, frame: number): void {
    const at = 3 * frame + 1 + (spi >> 5);
    this.#bits[at] = (this.#bits[at] as number) & ~(1 << (spi & 31));
  }
  regMask(frame = this.frame): number {
    return this.#bits[3 * frame] as number;
  }
  hasSlots(frame = this.frame): boolean {
    return ((this.#bits[3 * frame + 1] as number) | (this.#bits[3 * frame + 2] as number)) !== 0;
  }
  slotsHex(): string {
    const low = BigInt((this.#bits[3 * this.frame + 1] as number) >>> 0);
    const high = BigInt((this.#bits[3 * this.frame + 2] as number) >>> 0);
    return ((high << 32n) | low).toString(16);
  }
  regsText(frame = this.frame): string {
    const mask = this.regMask(frame);
    return (REG_TEXTS[mask] ??= regsText(mask));
  }
  slotsText(frame = this.frame): string {
    if (!this.hasSlots(frame)) return '';
    const out: string[] = [];
    for (let spi = 0; spi < 64; spi++) if (this.hasSlot(spi, frame)) out.push(`${-(spi + 1) * SLOT_SIZE}`);
    return out.join(',');
  }
  /** Registers that shared an id at an instruction are wanted together. */
  syncLinked(hist: HistoryEntry | undefined): void {
    const linked = hist?.linked;
    if (!linked) return;
    if (!linked.some((l) => (l.isReg ? this.hasReg(l.index, l.frameno) : this.hasSlot(l.index, l.frameno)))) return;
    for (const l of linked) {
      if (l.isReg) this.setReg(l.index, l.frameno);
      else this.setSlot(l.index, l.frameno);
    }
  }
}

export const histSpi = (flags: number): number => (flags >> HIST_SPI_SHIFT) & HIST_SPI_MASK;
export const histFrame = (flags: number): number => flags & HIST_FRAME_MASK;
export const isStackAccess = (hist: HistoryEntry | undefined): hist is HistoryEntry =>
  hist !== undefined && (hist.flags & HIST_STACK_ACCESS) !== 0;
