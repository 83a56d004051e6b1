/** Events that were made by writing to tracefs, numbered on from the kernel's own. */
import { allEventFormats } from '../../data/event-formats.ts';
import type { TextFloor } from '../../floors/text.ts';
import { DynamicEvents } from './dynamic-events.ts';

export class MadeEvents {
  readonly kprobes: DynamicEvents;
  readonly uprobes: DynamicEvents;
  #last = 0;
  constructor({ symbols, cpus }: Pick<TextFloor, 'symbols' | 'cpus'>) {
    const next = (): number => {
      if (this.#last === 0)
        for (const events of allEventFormats().values())
          for (const format of events.values()) this.#last = Math.max(this.#last, idOf(format));
      return ++this.#last;
    };
    const isFunction = (place: string, offset: number): boolean => {
      const symbol = symbols.find(place);
      return symbol !== undefined && symbol.kind !== 'd' && offset < symbol.size;
    };
    this.kprobes = new DynamicEvents('kprobe', isFunction, next, cpus);
    this.uprobes = new DynamicEvents('uprobe', () => true, next, cpus);
  }
  byId(id: number) {
    return this.kprobes.byId(id) ?? this.uprobes.byId(id);
  }
  save() {
    return { last: this.#last, kprobes: this.kprobes.save(), uprobes: this.uprobes.save() };
  }
  restore({ last, kprobes, uprobes }: ReturnType<MadeEvents['save']>): void {
    this.#last = last;
    this.kprobes.restore(kprobes);
    this.uprobes.restore(uprobes);
  }
}
const idOf = (format: string): number => Number(/^ID: (\d+)$/m.exec(format)?.[1] ?? 0);
