/** What an object is once it is in a kernel: its programs, maps and variables there, attached and closed together. */

import { KernelError } from '../../kernel-sim/core/errno.ts';
import { checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { shownAs } from '../platform/index.ts';
import { attachType, BPF_F_LINK } from '../uapi/index.ts';
import {
  type AttachedLink,
  type AttachOptions,
  attachesItself,
  attachesToDevice,
  attachProgram,
  detaching,
} from './attach.ts';
import type { LinkHandle, MapHandle, ObjectKernel, ProgHandle } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import { forward } from './forward.ts';
import { LoadedMap } from './map-access.ts';
import type { MapDef, OpenedObject, ProgramDef } from './model.ts';
import { type Plain, toPlain } from './plain.ts';
import type { RelocatedProgram } from './relocate.ts';
import type { AnyShape, MapEntry, ObjectShape } from './shape.ts';
import { isAbsence, isTaken, isUnmodelled, type SkippedProgram } from './skipped.ts';
import { structOpsValue } from './struct-ops-value.ts';
import { UsdtSpecs } from './user/usdt.ts';
import { sectionAccess, type Variables } from './variables.ts';

/** The handle types of a kernel's own bpf(2). */
export type MapOf<K extends ObjectKernel> = ReturnType<K['bpf']['mapCreate']>;
export type ProgOf<K extends ObjectKernel> = ReturnType<K['bpf']['progLoad']>;
export type LinkOf<K extends ObjectKernel> = ReturnType<NonNullable<K['bpf']['linkCreate']>>;

/** A loaded program. */
export interface LoadedProgram<H extends ProgHandle = ProgHandle, L extends LinkHandle = LinkHandle> {
  readonly name: string;
  readonly fd: number;
  /** the kernel's program */
  readonly handle: H;
  readonly definition: ProgramDef;
  readonly relocated: RelocatedProgram;
  /** Attaches it; where the section's name does not say to what, `options` must. */
  attach(options?: AttachOptions): AttachedLink<L>;
}

/** A map of an object in kernel K. */
export type MapAccess<
  K extends ObjectKernel,
  E extends MapEntry = AnyShape['maps'][string],
  T extends object = AnyShape['types'],
> = LoadedMap<MapOf<K>, E, T> & Omit<MapOf<K>, keyof LoadedMap>;
/** A program of an object in kernel K. */
export type ProgramAccess<K extends ObjectKernel> = LoadedProgram<ProgOf<K>, LinkOf<K>> &
  Omit<ProgOf<K>, keyof LoadedProgram>;

export interface AttachAllOptions {
  /** these only; default: all whose section says where */
  readonly programs?: readonly string[];
  /**
   * What is passed over and noted in {@link LoadedObject.skipped}: true, programs whose target is absent;
   * `'unmodelled'`, those that only this model cannot attach. Either passes over all but the first program of XDP, of which a
   * device has one. Default false: it is an error.
   */
  readonly keepGoing?: boolean | 'unmodelled';
  /** index of the device that programs of XDP and tc are attached to; default: they are left alone */
  readonly ifindex?: number;
  /** iterators by name: `union bpf_iter_link_info`, what to go over */
  readonly iterInfo?: Readonly<Record<string, Uint8Array>>;
}

const OPTIONS: Schema<AttachAllOptions> = {
  programs: is.listOf(is.text),
  keepGoing: is.either(is.bool, is.oneOf('unmodelled')),
  ifindex: is.bits32,
  iterInfo: is.recordOf(is.bytes),
};

/** The maps of an object by name. */
export type MapsOf<K extends ObjectKernel, O extends ObjectShape> = {
  readonly [N in keyof O['maps']]: MapAccess<K, O['maps'][N] extends MapEntry ? O['maps'][N] : MapEntry, O['types']>;
};
/** The programs of an object by name. */
export type ProgramsOf<K extends ObjectKernel, O extends ObjectShape> = {
  readonly [N in keyof O['programs']]: ProgramAccess<K>;
};

/** What an object holds in a kernel, as JSON has it: the same state gives the same text. */
export interface LoadedSnapshot {
  readonly maps: { readonly [name: string]: readonly (readonly [key: Plain, value: Plain])[] };
  readonly data: { readonly [name: string]: Plain };
  readonly bss: { readonly [name: string]: Plain };
}

/** An object in a kernel. */
export class LoadedObject<K extends ObjectKernel = ObjectKernel, O extends ObjectShape = AnyShape> {
  readonly object: OpenedObject;
  readonly kernel: K;
  /** by the names of their variables (`counts`) or sections (`.rodata`); each has what the kernel's map has, too */
  readonly maps: MapsOf<K, O>;
  /** each has what the kernel's program has, too: `loaded.programs.hello.testRun()` */
  readonly programs: ProgramsOf<K, O>;
  /** global variables, live in the kernel's maps */
  readonly data: O['data'];
  readonly rodata: O['rodata'];
  readonly bss: O['bss'];
  readonly kconfig: O['kconfig'];
  /** what was odd and went all the same */
  readonly warnings: readonly string[];
  /** programs that were passed over when loading, and when attaching, as `keepGoing` says; each with why */
  readonly skipped: readonly SkippedProgram[];
  readonly #skipped: SkippedProgram[];
  readonly #maps: { [name: string]: MapAccess<K> };
  readonly #programs: { [name: string]: ProgramAccess<K> };
  readonly #fds: number[] = [];
  readonly #usdt = new UsdtSpecs();
  readonly #links: AttachedLink<LinkOf<K>>[] = [];

  constructor(
    object: OpenedObject,
    kernel: K,
    handles: ReadonlyMap<MapDef, MapOf<K>>,
    warnings: readonly string[],
    skipped: SkippedProgram[] = [],
  ) {
    this.object = object;
    this.kernel = kernel;
    this.warnings = warnings;
    this.#skipped = skipped;
    this.skipped = skipped;
    this.#maps = Object.create(null) as { [name: string]: MapAccess<K> };
    this.#programs = Object.create(null) as { [name: string]: ProgramAccess<K> };
    // what is in them the object says, and its shape was made from the object
    this.maps = this.#maps as MapsOf<K, O>;
    this.programs = this.#programs as ProgramsOf<K, O>;
    for (const map of object.maps) {
      const handle = handles.get(map);
      if (!handle) continue;
      const access = new LoadedMap<MapOf<K>, AnyShape['maps'][string]>(object, map, handle, kernel);
      this.#maps[map.realName] = forward(access, handle);
    }
    for (const handle of handles.values()) this.#fds.push(handle.fd);
    const handleOf = (map: MapDef): MapHandle | undefined => handles.get(map);
    this.data = sectionAccess(object.model, 'data', handleOf) as O['data'];
    this.rodata = sectionAccess(object.model, 'rodata', handleOf) as O['rodata'];
    this.bss = sectionAccess(object.model, 'bss', handleOf) as O['bss'];
    this.kconfig = sectionAccess(object.model, 'kconfig', handleOf) as O['kconfig'];
  }

  /** A program by a name that is not known beforehand; undefined where it was not loaded. */
  program(name: string): ProgramAccess<K> | undefined {
    return this.#programs[name];
  }

  /** Takes up a program that the kernel accepted; `BpfObject.load` does. */
  add(relocated: RelocatedProgram, handle: ProgOf<K>): void {
    const { program } = relocated;
    this.#fds.push(handle.fd);
    const loaded: LoadedProgram<ProgOf<K>, LinkOf<K>> = {
      name: program.name,
      fd: handle.fd,
      handle,
      definition: program,
      relocated,
      attach: (options) => {
        try {
          return attachProgram({
            object: this.object.model.file,
            program,
            handle,
            kernel: this.kernel,
            options: options ?? {},
            maps: (name) => {
              const map = this.#maps[name];
              return map && { handle: map.handle, maxEntries: map.definition.maxEntries };
            },
            usdt: this.#usdt,
          }) as AttachedLink<LinkOf<K>>;
        } catch (error) {
          if (error instanceof KernelError) error.message = `program '${program.name}': ${error.message}`;
          throw error;
        }
      },
    };
    shownAs(loaded, ({ name, fd }) => ({ name, section: program.sectionName, fd }), 'LoadedProgram');
    this.#programs[program.name] = forward(loaded, handle);
  }

  /** Programs that {@link attach} leaves alone, each with why. */
  get notAttached(): { readonly program: string; readonly why: string }[] {
    return Object.values(this.#programs)
      .filter((p) => !attachesItself(p.definition) && !this.#links.some((link) => link.program === p.name))
      .map((p) => ({ program: p.name, why: `SEC("${p.definition.rawSectionName}") does not say where to attach` }));
  }

  /**
   * Attaches every program whose section's name says where: libbpf's skeleton attach. If one cannot be
   * attached, those before it are detached again, unless `keepGoing` passes over it.
   *
   * @throws NotModelledError, ObjectError, the kernel's error, ArgumentError
   */
  attach(options: AttachAllOptions = {}): AttachedLink<LinkOf<K>>[] {
    checkOptions('options', options, OPTIONS);
    const passes = options.keepGoing === 'unmodelled' ? isUnmodelled : options.keepGoing ? isAbsence : () => false;
    const links: AttachedLink<LinkOf<K>>[] = [];
    try {
      for (const program of Object.values(this.#programs)) {
        const { ifindex } = options;
        const toDevice = ifindex !== undefined && attachesToDevice(program.definition);
        const isMeant = toDevice || attachesItself(program.definition);
        if (!(options.programs ? options.programs.includes(program.name) : isMeant)) continue;
        try {
          const iterInfo = options.iterInfo?.[program.name];
          links.push(program.attach({ ...(toDevice ? { targetFd: ifindex } : {}), ...(iterInfo ? { iterInfo } : {}) }));
        } catch (error) {
          const isSecond = toDevice && options.keepGoing && isTaken(error);
          if (!passes(error) && !isSecond) throw error;
          this.#skipped.push({ program: program.name, why: (error as Error).message });
        }
      }
      for (const map of this.object.maps) {
        const handle = this.#maps[map.realName];
        if (map.origin === 'struct_ops' && handle && !options.programs)
          links.push(...this.#attachStructOps(map, handle));
      }
    } catch (error) {
      for (const link of links.reverse()) link.detach();
      throw error;
    }
    this.#links.push(...links);
    return links;
  }

  /** Bytes as a value of a type of the object's BTF. @throws ObjectError where there is no such type */
  decode<N extends keyof O['types'] & string>(type: N, bytes: Uint8Array): O['types'][N];
  decode<T>(type: string, bytes: Uint8Array): T;
  decode(type: string, bytes: Uint8Array): unknown {
    return this.object.decode(type, bytes);
  }

  /** What maps that can be listed and global variables hold now, by name. */
  snapshot(): LoadedSnapshot {
    const maps: { [name: string]: [Plain, Plain][] } = {};
    for (const name of Object.keys(this.#maps).sort()) {
      const map = this.#maps[name] as MapAccess<K>;
      if (map.definition.origin !== 'btf' && map.definition.origin !== 'legacy') continue;
      const entries = map.listed();
      if (entries) maps[name] = entries;
    }
    return { maps, data: plainVariables(this.data), bss: plainVariables(this.bss) };
  }

  /** Detaches what {@link attach} attached, and closes programs and maps: `bpf_object__close`. */
  close(): void {
    for (const link of this.#links.splice(0).reverse()) link.detach();
    for (const fd of this.#fds.splice(0).reverse()) this.kernel.bpf.close?.(fd);
  }

  #attachStructOps(map: MapDef, loaded: LoadedMap<MapOf<K>>): AttachedLink<LinkOf<K>>[] {
    const { bpf } = this.kernel;
    if (!bpf.linkCreate)
      throw new ObjectError(this.object.model.file, `struct_ops '${map.name}'`, 'attaching it is not modelled yet');
    const { btf } = this.kernel;
    if (!btf)
      throw new ObjectError(this.object.model.file, `struct_ops '${map.name}'`, "the kernel's BTF is not known");
    const value = structOpsValue(this.object.model, map, btf, (name) => this.#programs[name]?.fd);
    loaded.handle.update(new Uint8Array(4), value, 0);
    // without BPF_F_LINK the update has registered it, and the element's end takes it away: bpf_map__attach_struct_ops()
    const unlinked: LinkHandle = { detach: () => loaded.handle.delete(new Uint8Array(4)) };
    const link = (
      map.flags & BPF_F_LINK ? bpf.linkCreate({ prog: loaded.fd, attachType: attachType('struct_ops') }) : unlinked
    ) as LinkOf<K>;
    return [
      {
        program: map.name,
        method: 'struct_ops',
        target: map.name,
        offset: 0,
        onReturn: false,
        link,
        detach: detaching(this.kernel, link),
      },
    ];
  }
}

const plainVariables = (variables: object): { readonly [name: string]: Plain } =>
  Object.fromEntries(
    Object.entries(variables as Variables)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, toPlain(value)]),
  );

shownAs(
  LoadedObject.prototype,
  ({ object, programs, maps, data, rodata, bss }) => ({ name: object.model.name, programs, maps, data, rodata, bss }),
  'LoadedObject',
);
