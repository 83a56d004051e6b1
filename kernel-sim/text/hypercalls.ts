/** What `mov eax, nr; vmcall` in kernel text reaches. */
import type { Machine } from '../../src/machine/index.ts';
import { KernelError } from '../core/errno.ts';

/** How a part says what answers a hypercall. */
export type On = (name: string, handler: () => void) => void;

interface Hypercall {
  readonly name: string;
  handler: (() => void) | undefined;
}

export class Hypercalls {
  /** number 0 is what a body reaches that forgot to load eax */
  readonly #list: Hypercall[] = [{ name: 'none', handler: undefined }];
  readonly #byName = new Map<string, number>();
  /** Whether what a handler met is the guest's to deal with: it then goes on where the processor raises it. */
  isGuests: (error: unknown) => boolean = () => false;

  /** `fixed`: names whose numbers are already in generated text, from 1 on. `where` names an address for the error. */
  constructor(machine: Machine, fixed: readonly string[], where: (rip: number) => string) {
    for (const name of fixed) this.nr(name);
    machine.onVmcall = (nr) => {
      const handler = this.#list[nr]?.handler;
      if (!handler) {
        throw new KernelError(
          'ENOSYS',
          `hypercall ${this.nameOf(nr) ?? nr} at ${where(machine.cpu.rip)}: nobody handles it`,
        );
      }
      try {
        handler();
      } catch (error) {
        if (!this.isGuests(error)) throw error;
      }
    };
  }
  /** How many there are, and what handles each. */
  save(): readonly ((() => void) | undefined)[] {
    return this.#list.map((h) => h.handler);
  }
  restore(handlers: ReturnType<Hypercalls['save']>): void {
    for (const { name } of this.#list.splice(handlers.length)) this.#byName.delete(name);
    for (let n = 0; n < handlers.length; n++) (this.#list[n] as Hypercall).handler = handlers[n];
  }

  /** Number of a name; a new one where it has none. */
  nr(name: string): number {
    let nr = this.#byName.get(name);
    if (nr === undefined) {
      nr = this.#list.push({ name, handler: undefined }) - 1;
      this.#byName.set(name, nr);
    }
    return nr;
  }
  register(name: string, handler: () => void): number {
    const nr = this.nr(name);
    (this.#list[nr] as Hypercall).handler = handler;
    return nr;
  }
  nameOf(nr: number): string | undefined {
    return this.#list[nr]?.name;
  }
  names(): string[] {
    return this.#list.slice(1).map((h) => h.name);
  }
}
