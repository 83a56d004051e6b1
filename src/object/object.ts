/** An opened object: libbpf's `bpf_object` in the shape of JavaScript. */

import { type Btf, decodeSent } from '../btf/index.ts';
import { ArgumentError, checkArgument, checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { nearestText } from '../errors/near.ts';
import { writeInsns } from '../isa/index.ts';
import { host, shownAs } from '../platform/index.ts';
import { BPF_OBJ_NAME_LEN, mapTypeName, progType } from '../uapi/index.ts';
import { loadTarget } from './attach-target.ts';
import type { BpfSyscalls, ObjectKernel, ProgHandle, ProgLoadRequest } from './bpf-interface.ts';
import { nameFailedCore } from './core/log.ts';
import { type DebugTypes, debugTypes } from './debug-types.ts';
import { ObjectError } from './error.ts';
import { asProgram } from './functions.ts';
import { fillKconfig } from './kconfig.ts';
import { targetOf } from './kernel-target.ts';
import { btfForKernel } from './load-btf.ts';
import { MapLoader } from './load-maps.ts';
import { LoadedObject, type MapOf, type ProgOf } from './loaded.ts';
import type { MapDef, ObjectModel, ProgramDef } from './model.ts';
import { openObject } from './open.ts';
import { type MapOverride, mapOverrides } from './overrides.ts';
import { type RelocatedProgram, Relocator } from './relocate.ts';
import type { AnyShape, ObjectShape } from './shape.ts';
import { isAbsence, type SkippedProgram } from './skipped.ts';
import type { Target } from './target.ts';
import { sectionAccess } from './variables.ts';

export interface OpenOptions {
  /** name for messages and for the names of maps, where bytes are given */
  readonly name?: string;
  /** BTF of the kernel, for relocating without one */
  readonly btf?: Btf;
}

/** A function of a program that is loaded. */
export interface AttachTo {
  /** descriptor, or what holds one */
  readonly prog: number | { readonly fd: number };
  /** by default what the section names behind its slash */
  readonly func?: string;
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
  /** program types, by name or number, for programs whose section does not say */
  readonly types?: Readonly<Record<string, string | number>>;
  /** section names, as libbpf knows them, that programs should have had: `{ main: 'kprobe/do_sys_openat2' }` */
  readonly sections?: Readonly<Record<string, string>>;
  /** sizes of maps, and of inner maps, that a loader sets: `{ events: { maxEntries: 64 } }` */
  readonly maps?: Readonly<Record<string, MapOverride>>;
  /** programs whose function others attach to or replace, by those others' names: libbpf's bpf_program__set_attach_target */
  readonly targets?: Readonly<Record<string, AttachTo>>;
  /** passes over programs whose target the kernel lacks, or the model: they are in {@link LoadedObject.skipped} */
  readonly keepGoing?: boolean;
}

const OPEN_OPTIONS: Schema<OpenOptions> = { name: is.text, btf: is.object };

const LOAD_OPTIONS: Schema<LoadOptions> = {
  programs: is.listOf(is.text),
  logLevel: is.bits32,
  kconfig: is.text,
  btf: is.object,
  verify: is.bool,
  types: is.recordOf(is.nameOrNumber),
  sections: is.recordOf(is.text),
  maps: is.recordOf(is.object),
  targets: is.recordOf(is.object),
  keepGoing: is.bool,
};

const NO_HANDLE = (): undefined => undefined;

const isKernel: is.Check = (value) =>
  typeof (value as Partial<ObjectKernel> | null | undefined)?.bpf?.progLoad === 'function'
    ? undefined
    : `${is.shown(value)} is no kernel; await Kernel.boot() gives one`;

export class BpfObject<O extends ObjectShape = AnyShape> {
  /** everything that was found in the file */
  readonly model: ObjectModel;
  /** global variables, to be set before loading */
  readonly data: O['data'];
  readonly rodata: O['rodata'];
  readonly bss: O['bss'];
  readonly #btf: Btf | undefined;

  /**
   * Opens an object file: everything is read, nothing is resolved. No kernel is needed. With the type that
   * `ebpf-emu gen types` writes of it, its maps, variables and types have their own: `BpfObject.open<Prog>('prog.o')`.
   *
   * @param source path of a file, or its bytes
   * @throws ElfError, ObjectError, BtfError, FileError, ArgumentError
   */
  static open<O extends ObjectShape = AnyShape>(source: string | Uint8Array, options: OpenOptions = {}): BpfObject<O> {
    checkArgument('source', source, is.either(is.text, is.bytes));
    checkOptions('options', options, OPEN_OPTIONS);
    const bytes = typeof source === 'string' ? host.readFile(source) : source;
    const name = options.name ?? (typeof source === 'string' ? source.slice(source.lastIndexOf('/') + 1) : 'object');
    return new BpfObject<O>(openObject(bytes, name), options.btf);
  }

  private constructor(model: ObjectModel, btf: Btf | undefined) {
    this.model = model;
    this.#btf = btf;
    this.data = sectionAccess(model, 'data', NO_HANDLE) as O['data'];
    this.rodata = sectionAccess(model, 'rodata', NO_HANDLE) as O['rodata'];
    this.bss = sectionAccess(model, 'bss', NO_HANDLE) as O['bss'];
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
    checkArgument('name', name, is.text);
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
    checkArgument('target', target, is.object);
    if (programs !== undefined) checkArgument('programs', programs, is.listOf(is.text));
    const relocator = new Relocator(this.model, { btf: this.#btf, ...target });
    return this.#chosen(programs).map((program) => relocator.relocate(program));
  }

  /**
   * Bytes as a value of a type of the object's BTF, or of a structure of its own that clang kept in .debug_info only: what a
   * ring buffer or perf event brings.
   *
   * @param type name of a struct, union, enum or typedef
   * @throws ObjectError where there is no such type
   */
  decode<N extends keyof O['types'] & string>(type: N, bytes: Uint8Array): O['types'][N];
  decode<T>(type: string, bytes: Uint8Array): T;
  decode(type: string, bytes: Uint8Array): unknown {
    checkArgument('bytes', bytes, is.bytes);
    return this.decoder(type)(bytes);
  }
  /** What {@link decode} does of a type, which is looked for once. @throws ObjectError where there is no such type */
  decoder(type: string): (bytes: Uint8Array) => unknown {
    checkArgument('type', type, is.text);
    const { btf } = this.model;
    for (const kind of ['struct', 'typedef', 'union', 'enum'] as const) {
      const id = btf?.findByName(type, kind);
      if (btf && id) return (bytes) => decodeSent(btf, id, bytes);
    }
    const told = this.#debugTypes;
    const own = told?.ids.find((id) => told.btf.typeById(id).name === type);
    if (told && own !== undefined) return (bytes) => decodeSent(told.btf, own, bytes);
    const names = [...(btf?.types() ?? [])]
      .map((t) => t.name)
      .concat(told?.ids.map((id) => told.btf.typeById(id).name) ?? []);
    throw new ObjectError(
      this.model.file,
      undefined,
      `its BTF has no type '${type}'${nearestText(type, new Set(names))}; clang keeps those that the program declares a variable of: struct ${type} *unused __attribute__((unused));`,
    );
  }
  /** structures that the program declares, and of which only DWARF tells */
  get #debugTypes(): DebugTypes | undefined {
    this.#told ??= { types: debugTypes(this.model.elf) };
    return this.#told.types;
  }
  #told: { readonly types: DebugTypes | undefined } | undefined;

  #chosen(names: readonly string[] | undefined): ProgramDef[] {
    return names ? names.map((name) => this.program(name)) : this.model.programs.filter((p) => p.autoload);
  }

  /**
   * Creates maps, relocates, and loads programs: libbpf's `bpf_object__load`.
   *
   * @throws ObjectError, and the kernel's error (with the verifier's log) for what it refuses
   */
  load<K extends ObjectKernel>(kernel: K, options: LoadOptions = {}): LoadedObject<K, O> {
    checkArgument('kernel', kernel, isKernel);
    checkOptions('options', options, LOAD_OPTIONS);
    const { model } = this;
    const chosen = this.#chosen(options.programs).map((program) => this.#asNamed(program, options.sections));
    for (const name of Object.keys({ ...options.sections, ...options.types })) this.program(name);
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
    const skipped: SkippedProgram[] = [];
    const passing = <T>(program: ProgramDef, what: () => T): T | undefined => {
      try {
        return what();
      } catch (error) {
        if (!options.keepGoing || !isAbsence(error)) throw error;
        skipped.push({ program: program.name, why: error.message });
        return undefined;
      }
    };
    const relocated = chosen.flatMap((program) => passing(program, () => relocator.relocate(program)) ?? []);

    const warnings = [...model.warnings];
    const btfFd = this.#loadBtf(kernel.bpf, warnings);
    const maps = new MapLoader(model, kernel, btfFd, mapOverrides(model, options.maps));
    let loaded: LoadedObject<K, O> | undefined;
    try {
      this.#createMaps(maps, relocated, options, warnings);
      loaded = new LoadedObject<K, O>(this, kernel, maps.handles as Map<MapDef, MapOf<K>>, warnings, skipped);
      for (const one of relocated) {
        const handle = passing(one.program, () => this.#loadProgram(kernel, one, maps, btfFd, target, options));
        if (handle) loaded.add(one, handle as ProgOf<K>);
      }
      maps.fillProgArrays((name) => loaded?.program(name)?.fd);
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

  /** The program as the options' section name says; else as its own. @throws ArgumentError */
  #asNamed(program: ProgramDef, sections: LoadOptions['sections']): ProgramDef {
    const section = sections?.[program.name];
    if (section === undefined) return program;
    const named = asProgram(program, program.exceptionCallback, section);
    if (!named.match)
      throw new ArgumentError(`options.sections.${program.name}`, `libbpf knows no section '${section}'`);
    return named;
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
    const type = progType(options.types?.[program.name] ?? program.type);
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
    const to = options.targets?.[program.name];
    const { attachBtf, expectedAttachType } = to
      ? { attachBtf: undefined, expectedAttachType: program.expectedAttachType }
      : loadTarget(this.model, program, target);
    const info = btfFd !== undefined;
    const request = {
      type,
      name: program.name.slice(0, BPF_OBJ_NAME_LEN - 1),
      insns: writeInsns(insns),
      license: this.model.license,
      flags: program.flags,
      expectedAttachType,
      ...(attachBtf === undefined ? {} : { attachBtf }),
      ...(to === undefined
        ? {}
        : {
            attachProg: typeof to.prog === 'number' ? to.prog : to.prog.fd,
            attachFunc: to.func ?? program.target ?? '',
          }),
      ...(info ? { btf: btfFd } : {}),
      ...(info && relocated.funcInfo.length > 0 ? { funcInfo: relocated.funcInfo } : {}),
      ...(info && relocated.lineInfo.length > 0 ? { lineInfo: relocated.lineInfo } : {}),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
      ...(options.verify === undefined ? {} : { verify: options.verify }),
    };
    try {
      return loadLogged(kernel, request);
    } catch (error) {
      const failure = error as { log?: string };
      // looking into a log copies it together, which may be long
      const isPoisoned = relocated.core.some((c) => c.decision.newValue === undefined || c.decision.widthConflict);
      if (isPoisoned && failure.log)
        failure.log = nameFailedCore(failure.log, (insn) => coreAt(relocated, insn)?.decision);
      throw error;
    }
  }
}

/** As libbpf: a program that is refused and for which no log was asked is loaded once more with one (bpf_object_load_prog). */
function loadLogged(kernel: ObjectKernel, request: ProgLoadRequest): ProgHandle {
  try {
    return kernel.bpf.progLoad(request);
  } catch (error) {
    if (request.logLevel !== undefined || (error as { log?: string }).log !== '') throw error;
    return kernel.bpf.progLoad({ ...request, logLevel: 1 });
  }
}

/** The CO-RE relocation that an instruction of a whole program has. */
function coreAt({ parts, core }: RelocatedProgram, insn: number): RelocatedProgram['core'][number] | undefined {
  const part = parts.findLast((p) => p.start <= insn);
  return core.find((c) => c.function === part?.function.name && c.insn === insn - part.start);
}

shownAs(
  BpfObject.prototype,
  ({ name, license, programs, maps, data, rodata, bss }) => ({
    name,
    license,
    programs: Object.fromEntries(programs.map((p) => [p.name, p.sectionName])),
    maps: Object.fromEntries(maps.map((m) => [m.realName, mapTypeName(m.type)])),
    data,
    rodata,
    bss,
  }),
  'BpfObject',
);
