/** What programs send to user space: records of a ring buffer, samples of a perf event array. */
import type { Kernel } from '../../kernel-sim/index.ts';
import { ArgumentError, checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import type { LoadedObject } from '../object/index.ts';
import { didYouMean } from './syscall-format.ts';

export class EventLog {
  readonly #loaded: LoadedObject<Kernel>;
  readonly #take: () => Iterable<Uint8Array>;
  readonly #bytes: Uint8Array[] = [];

  constructor(kernel: Kernel, loaded: LoadedObject<Kernel>, name: string) {
    checkArgument('map', name, is.text);
    const map = loaded.maps[name];
    if (!map) throw new ArgumentError('map', `there is no map '${name}'${didYouMean(name, Object.keys(loaded.maps))}`);
    const { handle } = map;
    this.#loaded = loaded;
    if (handle.type === 'ringbuf') this.#take = () => handle.consume();
    else if (handle.type === 'perf_event_array') {
      kernel.bpf.perfBuffer(handle, ({ data }) => this.#bytes.push(data.slice()));
      this.#take = () => [];
    } else throw new ArgumentError('map', `'${name}' is ${handle.type}, which carries no events`);
  }

  /** All so far, in order. Of a perf event array each may end in padding. */
  get bytes(): readonly Uint8Array[] {
    this.#bytes.push(...this.#take());
    return this.#bytes;
  }

  /**
   * All so far, as values of a struct of the object's BTF: `events.records<{ pid: number; comm: string }>('event')`.
   * @throws ObjectError where the object has no such type; BtfError for an event that is shorter than it
   */
  records<T = { readonly [member: string]: unknown }>(type: string): T[] {
    return this.bytes.map((bytes) => this.#loaded.object.decode(type, bytes) as T);
  }
}
