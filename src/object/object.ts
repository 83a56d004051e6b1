/** An object and, once it is loaded, its programs and maps in a kernel: libbpf's `bpf_object` in the shape of JavaScript. */
import { readFileSync } from 'node:fs';
import { attachType, BPF_OBJ_NAME_LEN } from '../../kernel-sim/bpf/uapi/index.ts';
import { type Btf, type BtfValue, decodeValue } from '../btf/index.ts';
import { writeInsns } from '../isa/index.ts';
import { type AttachedLink, type AttachOptions, attachesItself, attachProgram } from './attach.ts';
import { loadTarget } from './attach-target.ts';
import type { BpfSyscalls, LinkHandle, MapHandle, ObjectKernel, ProgHandle } from './bpf-interface.ts';
import { ObjectError } from './error.ts';
import { forward } from './forward.ts';
import { fillKconfig } from './kconfig.ts';
import { btfForKernel } from './load-btf.ts';
import { MapLoader } from './load-maps.ts';
import { LoadedMap } from './map-access.ts';
import type { MapDef, MapOrigin, ObjectModel, ProgramDef } from './model.ts';
import { openObject } from './open.ts';
import { type RelocatedProgram, Relocator } from './relocate.ts';
import { structOpsValue } from './struct-ops-value.ts';
import type { Target } from './target.ts';
import { type Variables, variableAccess } from './variables.ts';

export interface OpenOptions {
  /** name for messages and for the names of maps, where bytes are given */
  readonly name?: string;
  /** BTF of the kernel, for relocating without one */
  readonly btf?: Btf;
}

export interface LoadOptions {
  /** load these programs only; default: all but those of `SEC("?...")` */
  readonly programs?: readonly string[];
  /** log_level of each program */
  readonly logLevel?: number;
  /** values for `.kconfig` externs before the kernel's own: `CONFIG_HZ=250` lines */
  readonly kconfig?: string;
  /** BTF for CO-RE in place of the kernel's, as libbpf's `btf_custom_path` */
  readonly btf?: Btf;
  /** false skips the verifier */
  readonly verify?: boolean;
  /** program types (libbpf's numbers) for programs whose section does not say */
  readonly types?: Readonly<Record<string, number>>;
}

/** The handle types of a kernel's own bpf(2). */
type MapOf<K extends ObjectKernel> = ReturnType<K['bpf']['mapCreate']>;
type ProgOf<K extends ObjectKernel> = ReturnType<K['bpf']['progLoad']>;
type LinkOf<K extends ObjectKernel> = ReturnType<NonNullable<K['bpf']['linkCreate']>>;

/** LINUX_VERSION_CODE of a release: `6.12.117-1` is 0x060c75. */
export function versionCode(release: string): number {
  const [major = 0, minor = 0, patch = 0] = (/^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release)?.slice(1) ?? []).map((part) =>
    Number(part ?? 0),
  );
  return (major << 16) | (minor << 8) | Math.min(patch, 255);
}

/** A kernel as something to relocate for. */
export function targetOf(kernel: ObjectKernel, options: Pick<LoadOptions, 'btf' | 'kconfig'> = {}): Target {
  const { symbols } = kernel;
  return {
    // Both take milliseconds, and most objects need neither.
    get btf() {
      return kernel.btf;
    },
    get config() {
      return kernel.config;
    },
    coreBtf: options.btf,
    symbol: (name) => {
      const address = symbols?.find?.(name)?.address ?? symbols?.address(name);
      return address === undefined ? undefined : BigInt.asUintN(64, BigInt(address));
    },
    kconfig: options.kconfig,
    version: versionCode(kernel.release),
  };
}

function sectionAccess(
  model: ObjectModel,
  origin: MapOrigin,
  handleOf: (map: MapDef) => MapHandle | undefined,
): Variables {
  return variableAccess(
    model.btf,
    model.maps.filter((m) => m.origin === origin),
    model.externs,
    handleOf,
  );
}

const NO_HANDLE = (): undefined => undefined;

export class BpfObject {
  /** everything that was found in the file */
  readonly model: ObjectModel;
  /** global variables, to be set before loading */
  readonly data: Variables;
  readonly rodata: Variables;
  readonly bss: Variables;
  readonly #btf: Btf | undefined;

  /**
   * Opens an object file: everything is read, nothing is resolved. No kernel is needed.
   *
   * @param source path of a file, or its bytes
   * @throws ElfError, ObjectError, BtfError, or Node's error of reading the file
   */
  static open(source: string | Uint8Array, options: OpenOptions = {}): BpfObject {
    const bytes = typeof source === 'string' ? readFileSync(source) : source;
    const name = options.name ?? (typeof source === 'string' ? source.slice(source.lastIndexOf('/') + 1) : 'object');
    return new BpfObject(openObject(bytes, name), options.btf);
  }

  private constructor(model: ObjectModel, btf: Btf | undefined) {
    this.model = model;
    this.#btf = btf;
    this.data = sectionAccess(model, 'data', NO_HANDLE);
    this.rodata = sectionAccess(model, 'rodata', NO_HANDLE);
    this.bss = sectionAccess(model, 'bss', NO_HANDLE);
  }

  get name(): string {
    return this.model.name;
  }
  get license(): string {
    return this.model.license;
  }
  get programs(): readonly ProgramDef[] {
    return this.model.programs;
  }
  get maps(): readonly MapDef[] {
    return this.model.maps;
  }
  get warnings(): readonly string[] {
    return this.model.warnings;
  }

  /** A program by name. @throws ObjectError naming those that there are */
  program(name: string): ProgramDef {
    const found = this.model.programs.find((p) => p.name === name);
    if (!found)
      throw new ObjectError(
        this.model.file,
        undefined,
        `there is no program '${name}'; there are: ${this.model.programs.map((p) => p.name).join(', ') || 'none'}`,
      );
    return found;
  }

  /** Relocates without loading. Maps stay names. @throws ObjectError */
  relocate(target: Target = {}, programs?: readonly string[]): RelocatedProgram[] {
    const relocator = new Relocator(this.model, { btf: this.#btf, ...target });
    return this.#chosen(programs).map((program) => relocator.relocate(program));
  }

  /**
   * Bytes as a value of a type of the object's BTF: what a ring buffer or perf event brings.
   *
   * @param type name of a struct, union, enum or typedef
   * @throws ObjectError where there is no such type
   */
  decode(type: string, bytes: Uint8Array): BtfValue {
    const { btf } = this.model;
    for (const kind of ['struct', 'typedef', 'union', 'enum'] as const) {
      const id = btf?.findByName(type, kind);
      if (btf && id) return decodeValue(btf, id, bytes);
    }
    throw new ObjectError(this.model.file, undefined, `its BTF has no type '${type}'`);
  }

  #chosen(names: readonly string[] | undefined): ProgramDef[] {
    return names ? names.map((name) => this.program(name)) : this.model.programs.filter((p) => p.autoload);
  }

  /**
   * Creates maps, relocates, and loads programs: libbpf's `bpf_object__load`.
   *
   * @throws ObjectError, and the kernel's error (with the verifier's log) for what it refuses
   */
  load<K extends ObjectKernel>(kernel: K, options: LoadOptions = {}): LoadedObject<K> {
    const { model } = this;
    const chosen = this.#chosen(options.programs);
    if (model.programs.length === 0 && model.maps.length === 0)
      throw new ObjectError(
        model.file,
        undefined,
        'it holds neither programs nor maps; functions of a section such as SEC("kprobe/...") are programs',
      );
    const target = targetOf(kernel, { ...options, ...(options.btf || !this.#btf ? {} : { btf: this.#btf }) });
    const kconfig = model.maps.find((m) => m.origin === 'kconfig');
    if (kconfig)
      fillKconfig(model.file, kconfig, model.externs, {
        config: target.config,
        version: target.version as number,
        extra: target.kconfig,
      });
    const relocator = new Relocator(model, target);
    const relocated = chosen.map((program) => relocator.relocate(program));

    const warnings = [...model.warnings];
    const btfFd = this.#loadBtf(kernel.bpf, warnings);
    const maps = new MapLoader(model, kernel, btfFd);
    let loaded: LoadedObject<K> | undefined;
    try {
      this.#createMaps(maps, relocated, options, warnings);
      loaded = new LoadedObject<K>(this, kernel, maps.handles as Map<MapDef, MapOf<K>>, warnings);
      for (const program of relocated) {
        loaded.add(program, this.#loadProgram(kernel, program, maps, btfFd, target, options) as ProgOf<K>);
      }
      maps.fillProgArrays((name) => loaded?.programs[name]?.fd);
      return loaded;
    } catch (error) {
      if (loaded) loaded.close();
      else for (const handle of maps.handles.values()) kernel.bpf.close?.(handle.fd);
      throw error;
    } finally {
      // Maps and programs hold the BTF from here on.
      if (btfFd !== undefined) kernel.bpf.close?.(btfFd);
    }
  }

  #createMaps(maps: MapLoader, relocated: readonly RelocatedProgram[], options: LoadOptions, warnings: string[]): void {
    const needed = new Set(relocated.flatMap((p) => p.refs.map((r) => r.map)));
    for (const map of this.model.maps) {
      if (!map.autocreate) continue;
      try {
        maps.create(map);
      } catch (error) {
        // What no program that is loaded uses may be missing in the model.
        if (needed.has(map) || !options.programs) throw error;
        warnings.push(`map '${map.name}' is left out: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    warnings.push(...maps.warnings);
  }

  #loadBtf(bpf: BpfSyscalls, warnings: string[]): number | undefined {
    const { btf } = this.model;
    if (!btf) return undefined;
    try {
      return bpf.btfLoad(btfForKernel({ ...this.model, btf }).bytes).fd;
    } catch (error) {
      if (this.model.maps.some((m) => m.origin === 'struct_ops')) throw error;
      warnings.push(
        `BTF is left out, the kernel refused it: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
      );
      return undefined;
    }
  }

  #loadProgram(
    kernel: ObjectKernel,
    relocated: RelocatedProgram,
    maps: MapLoader,
    btfFd: number | undefined,
    target: Target,
    options: LoadOptions,
  ): ProgHandle {
    const { program, insns, refs } = relocated;
    const type = options.types?.[program.name] ?? program.type;
    if (type === 0) {
      throw new ObjectError(
        this.model.file,
        `program '${program.name}'`,
        `section ${program.rawSectionName} does not say what type of program it is; name it as libbpf does (SEC("kprobe/...")) or give its type`,
      );
    }
    for (const ref of refs) {
      const handle = maps.handles.get(ref.map);
      if (!handle)
        throw new ObjectError(this.model.file, `program '${program.name}'`, `map '${ref.map.name}' was not created`);
      insns[ref.insn] = { ...(insns[ref.insn] as RelocatedProgram['insns'][number]), imm: handle.fd };
    }
    const { attachBtf, expectedAttachType } = loadTarget(this.model, program, target);
    const info = btfFd !== undefined;
    return kernel.bpf.progLoad({
      type,
      name: program.name.slice(0, BPF_OBJ_NAME_LEN - 1),
      insns: writeInsns(insns),
      license: this.model.license,
      flags: program.flags,
      expectedAttachType,
      ...(attachBtf === undefined ? {} : { attachBtf }),
      ...(info ? { btf: btfFd } : {}),
      ...(info && relocated.funcInfo.length > 0 ? { funcInfo: relocated.funcInfo } : {}),
      ...(info && relocated.lineInfo.length > 0 ? { lineInfo: relocated.lineInfo } : {}),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
      ...(options.verify === undefined ? {} : { verify: options.verify }),
    });
  }
}

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

/** An object in a kernel. */
export class LoadedObject<K extends ObjectKernel = ObjectKernel> {
  readonly object: BpfObject;
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
  readonly #fds: number[] = [];
  readonly #links: AttachedLink<LinkOf<K>>[] = [];

  constructor(object: BpfObject, kernel: K, handles: ReadonlyMap<MapDef, MapOf<K>>, warnings: readonly string[]) {
    this.object = object;
    this.kernel = kernel;
    this.warnings = warnings;
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

  /** Takes up a program that the kernel accepted; {@link BpfObject.load} does. */
  add(relocated: RelocatedProgram, handle: ProgOf<K>): void {
    const { program } = relocated;
    this.#fds.push(handle.fd);
    const loaded: LoadedProgram<ProgOf<K>, LinkOf<K>> = {
      name: program.name,
      fd: handle.fd,
      handle,
      definition: program,
      relocated,
      attach: (options) =>
        attachProgram(this.object.model.file, program, handle, this.kernel, options) as AttachedLink<LinkOf<K>>,
    };
    this.programs[program.name] = forward(loaded, handle);
  }

  /** Programs that {@link attach} leaves alone, each with why. */
  get notAttached(): { readonly program: string; readonly why: string }[] {
    return Object.values(this.programs)
      .filter((p) => !attachesItself(p.definition))
      .map((p) => ({ program: p.name, why: `SEC("${p.definition.rawSectionName}") does not say where to attach` }));
  }

  /**
   * Attaches every program whose section's name says where: libbpf's skeleton attach. If one cannot be
   * attached, those before it are detached again.
   *
   * @throws NotModelledError, ObjectError, the kernel's error
   */
  attach(options: { readonly programs?: readonly string[] } = {}): AttachedLink<LinkOf<K>>[] {
    const links: AttachedLink<LinkOf<K>>[] = [];
    try {
      for (const program of Object.values(this.programs)) {
        if (options.programs ? options.programs.includes(program.name) : attachesItself(program.definition))
          links.push(program.attach());
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
        detach: () => link.detach(),
      },
    ];
  }
}

export type { BtfValue };
