/** Seeded random numbers (xorshift128) with the values that break arithmetic. */
export class Random {
  private readonly s = new Uint32Array(4);

  constructor(seed: number) {
    let x = seed >>> 0 || 1;
    for (let i = 0; i < 4; i++) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      this.s[i] = x ^ (x >>> 15);
    }
    for (let i = 0; i < 8; i++) this.u32();
  }

  u32(): number {
    const { s } = this;
    let t = s[3] as number;
    const a = s[0] as number;
    s[3] = s[2] as number;
    s[2] = s[1] as number;
    s[1] = a;
    t ^= t << 11;
    t ^= t >>> 8;
    s[0] = t ^ a ^ (a >>> 19);
    return (s[0] as number) >>> 0;
  }

  below(n: number): number {
    return this.u32() % n;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  u64(): bigint {
    return (BigInt(this.u32()) << 32n) | BigInt(this.u32());
  }

  /** 64 bits, often near a boundary of some width. */
  value(): bigint {
    switch (this.below(8)) {
      case 0:
        return BigInt(this.below(17));
      case 1:
        return BigInt.asUintN(64, -BigInt(this.below(17)));
      case 2: {
        const bits = this.pick([7n, 8n, 15n, 16n, 31n, 32n, 63n]);
        return BigInt.asUintN(64, (1n << bits) + BigInt(this.below(5)) - 2n);
      }
      case 3:
        return BigInt(this.u32());
      case 4:
        return BigInt.asUintN(64, BigInt(this.u32() | 0));
      case 5:
        return this.u64() >> BigInt(this.below(64));
      default:
        return this.u64();
    }
  }
}
