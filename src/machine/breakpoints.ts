/** Addresses where runs stop. Who executes is told of each that comes or goes, so that the others cost nothing. */
import type { Addr } from './addr.ts';

export class Breakpoints extends Set<Addr> {
  readonly #changed: (va: Addr) => void;

  constructor(changed: (va: Addr) => void) {
    super();
    this.#changed = changed;
  }
  override add(va: Addr): this {
    if (this.has(va)) return this;
    super.add(va);
    this.#changed(va);
    return this;
  }
  override delete(va: Addr): boolean {
    if (!super.delete(va)) return false;
    this.#changed(va);
    return true;
  }
  override clear(): void {
    for (const va of [...this]) this.delete(va);
  }
}
