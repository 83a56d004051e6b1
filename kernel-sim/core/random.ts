/** Seeded randomness: the same seed gives the same addresses, hashes and get_prandom_u32 values. */

/** xoshiro128** (Blackman and Vigna, 2018), seeded through splitmix32. */
export class Random {
  readonly #s = new Int32Array(4);
  constructor(seed: number) {
    let x = seed | 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) | 0;
      let z = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      this.#s[i] = z ^ (z >>> 15);
    }
  }
  /** next number, u32 */
  u32(): number {
    const s = this.#s;
    const a = s[0]!;
    const b = s[1]!;
    const m = Math.imul(b, 5);
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const x = s[2]! ^ a;
    const y = s[3]! ^ b;
    s[0] = a ^ y;
    s[1] = b ^ x;
    s[2] = x ^ (b << 9);
    s[3] = (y << 11) | (y >>> 21);
    return result;
  }
  /** from 0 to n-1 */
  below(n: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * n);
  }
  save(): Int32Array {
    return this.#s.slice();
  }
  restore(state: Int32Array): void {
    this.#s.set(state);
  }
}
