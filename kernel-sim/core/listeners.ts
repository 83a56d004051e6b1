/** Those who want to hear of something, told in the order in which they asked. */
export class Listeners<A extends readonly unknown[]> {
  readonly #list: ((...args: A) => void)[] = [];
  save(): readonly ((...args: A) => void)[] {
    return this.#list.slice();
  }
  restore(list: ReturnType<Listeners<A>['save']>): void {
    this.#list.splice(0, this.#list.length, ...list);
  }
  /** From now on `told` hears of it. Gives what ends that. */
  add(told: (...args: A) => void): () => void {
    this.#list.push(told);
    return () => {
      const at = this.#list.indexOf(told);
      if (at >= 0) this.#list.splice(at, 1);
    };
  }
  /** Whether anybody listens. */
  get any(): boolean {
    return this.#list.length > 0;
  }
  tell(...args: A): void {
    // who leaves while it is told shifts the others: a copy, where there is more than one
    const list = this.#list.length > 1 ? [...this.#list] : this.#list;
    for (const told of list) told(...args);
  }
}
