/** What an object is once it is in a kernel: its programs, maps and variables there, attached and closed together. */

import { KernelError } from '../../kernel-sim/core/errno.ts';
import { checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { attachType } from '../uapi/index.ts';
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
import type { RelocatedProgram } from './relocate.ts';
import { isAbsence, isUnmodelled, type SkippedProgram } from './skipped.ts';
import { structOpsValue } from './struct-ops-value.ts';
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
export type MapAccess<K extends ObjectKernel> = LoadedMap<MapOf<K>> & Omit<MapOf<K>, keyof LoadedMap>;
/** A program of an object in kernel K. */
export type ProgramAccess<K extends ObjectKernel> = LoadedProgram<ProgOf<K>, LinkOf<K>> &
  Omit<ProgOf<K>, keyof LoadedProgram>;

export interface AttachAllOptions {
  /** these only; default: all whose section says where */
  readonly programs?: readonly string[];
  /**
   * What is passed over and noted in {@link LoadedObject.skipped}: true, programs whose target is absent;
   * `'unmodelled'`, those that only this model cannot attach. Default false: it is an error.
   */
  readonly keepGoing?: boolean | 'unmodelled';
  /** index of the device that programs of XDP and tc are attached to; default: they are left alone */
  readonly ifindex?: number;
}

const OPTIONS: Schema<AttachAllOptions> = {
  programs: is.listOf(is.text),
  keepGoing: is.either(is.bool, is.oneOf('unmodelled')),
  ifindex: is.bits32,
};

/** An object in a kernel. */
export class LoadedObject<K extends ObjectKernel = ObjectKernel> {
  readonly object: OpenedObject;
  readonly kernel: K;
  /** by the names of their variables (`counts`) or sections (`.rodata`); each has what the kernel's map has, too */
  readonly maps: { [name: string]: MapAccess<K> } = Object.create(null) as { [name: string]: MapAccess<K> };
  /** each has what the kernel's program has, too: `loaded.programs.hello.testRun()` */
  readonly programs: { [name: string]: ProgramAccess<K> } = Object.create(null) as { [name: string]: ProgramAccess<K> };
  /** global variables, live in the kernel's maps */
  readonly data: Variables;
  readonly rodata: Variables;
  readonly bss: Variables;
  readonly kconfig: Variables;
  /** what was odd and went all the same */
  readonly warnings: readonly string[];
  /** programs that were passed over when loading, and when attaching, as `keepGoing` says; each with why */
  readonly skipped: readonly SkippedProgram[];
  readonly #skipped: SkippedProgram[];
  readonly #fds: number[] = [];
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
    for (const map of object.maps) {
      const handle = handles.get(map);
      if (!handle) continue;
      const access = new LoadedMap<MapOf<K>>(object.model.file, map, handle, object.model.btf, kernel.cpus);
      this.maps[map.realName] = forward(access, handle);
    }
    for (const handle of handles.values()) this.#fds.push(handle.fd);
    const handleOf = (map: MapDef): MapHandle | undefined => handles.get(map);
    this.data = sectionAccess(object.model, 'data', handleOf);
    this.rodata = sectionAccess(object.model, 'rodata', handleOf);
    this.bss = sectionAccess(object.model, 'bss', handleOf);
    this.kconfig = sectionAccess(object.model, 'kconfig', handleOf);
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
          return attachProgram(this.object.model.file, program, handle, this.kernel, options) as AttachedLink<
            LinkOf<K>
          >;
        } catch (error) {
          if (error instanceof KernelError) error.message = `program '${program.name}': ${error.message}`;
          throw error;
        }
      },
    };
    this.programs[program.name] = forward(loaded, handle);
  }

  /** Programs that {@link attach} leaves alone, each with why. */
  get notAttached(): { readonly program: string; readonly why: string }[] {
    return Object.values(this.programs)
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
      for (const program of Object.values(this.programs)) {
        const { ifindex } = options;
        const toDevice = ifindex !== undefined && attachesToDevice(program.definition);
        const isMeant = toDevice || attachesItself(program.definition);
        if (!(options.programs ? options.programs.includes(program.name) : isMeant)) continue;
        try {
          links.push(program.attach(toDevice ? { targetFd: ifindex } : {}));
        } catch (error) {
          if (!passes(error)) throw error;
          this.#skipped.push({ program: program.name, why: (error as Error).message });
        }
      }
      for (const map of this.object.maps) {
        const handle = this.maps[map.realName];
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
    const value = structOpsValue(this.object.model, map, btf, (name) => this.programs[name]?.fd);
    loaded.handle.update(new Uint8Array(4), value, 0);
    const link = bpf.linkCreate({ prog: loaded.fd, attachType: attachType('struct_ops') }) as LinkOf<K>;
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
