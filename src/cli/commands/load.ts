/** `ebpf-emu load`: the whole journey, a line a stage on stderr, the program's output on stdout. */

import { attachKind } from '../../../kernel-sim/bpf/attach/table.ts';
import { errnoName } from '../../../kernel-sim/core/errno.ts';
import { BpfError, BpfLink, Kernel, type NetDevice, type ProbeLink } from '../../../kernel-sim/index.ts';
import type { Departure } from '../../../kernel-sim/syscall/departures.ts';
import { explainRejection, topicOf, uninitialisedReads } from '../../explain/index.ts';
import { formatAddr } from '../../machine/addr.ts';
import type { BpfObject, LoadedObject, LoadOptions } from '../../object/index.ts';
import { decodeLatin1, hexBytes } from '../../platform/index.ts';
import { recordingOf } from '../../replay/index.ts';
import { BPF_PROG_TYPE, mapTypeName } from '../../uapi/index.ts';
import { UserError } from '../errors.ts';
import { onInterrupt } from '../interrupt.ts';
import { loadOptions } from '../loading.ts';
import { type MeasureOptions, measure } from '../measuring.ts';
import { addCgroups, addDevices, deviceNamed, type NetworkOptions, openCaptures, Traffic } from '../network.ts';
import { optimiseLater } from '../optimiser.ts';
import { momentsOf, readSessionFile } from '../recorded.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { detail, milliseconds, now, paint, plural, stage, warn } from '../style.ts';
import { print, tell } from '../terminal.ts';
import { type ResultOptions, Results } from './load-results.ts';
import { openReplay, type RecordingOptions, replayAll } from './load-run.ts';

/** Of the stages up to attaching. */
export interface StageOptions extends KernelOptions {
  readonly log?: boolean;
  readonly verify: boolean;
}

export interface LoadCommandOptions
  extends MeasureOptions,
    StageOptions,
    RecordingOptions,
    NetworkOptions,
    ResultOptions {
  /** `PROGRAM=MAP`: the map whose elements an iterator goes over */
  readonly iter?: readonly string[];
  readonly maxInsns?: number;
}

type Loaded = LoadedObject<Kernel>;

/** What came of one object. */
interface Opened {
  readonly file: string;
  readonly object: BpfObject;
}

export async function load(
  files: readonly string[],
  command: readonly string[],
  options: LoadCommandOptions,
): Promise<void> {
  if (files.length === 0) throw new UserError('name the object file to load: ebpf-emu load hello.o');
  // packets are something to run on, too
  const hasRecording =
    options.pcap === undefined || options.replay !== undefined || options.workload !== undefined || command.length > 0;
  const saved = files.length === 1 ? readSessionFile(files[0] as string) : undefined;
  const isOwn =
    saved !== undefined && options.replay === undefined && options.workload === undefined && command.length === 0;
  const recording = !hasRecording
    ? undefined
    : isOwn
      ? { name: `what ${files[0]} recorded`, open: () => recordingOf(saved.recording) }
      : await openReplay(options, command);
  const kernel = await optimiseLater(() => (saved === undefined ? boot(options) : Kernel.boot(saved.boot)));
  addDevices(kernel, options);
  addCgroups(kernel, options);
  const opened: Opened[] = [];
  for (const file of files) {
    const object = await openInput(file, kernel, options, saved?.object);
    showObject(file, object);
    if (object.programs.length === 0)
      throw new UserError(
        `${file}: it holds no program; a function is one when its section says so, as SEC("kprobe/do_sys_openat2") does`,
      );
    opened.push({ file, object });
  }
  const report = measure(kernel, options);
  const all: Loaded[] = [];
  const wanted = saved?.programs === undefined ? options : { program: saved.programs, ...options };
  for (const { object, options: own } of optionsOfEach(opened, wanted)) {
    const loaded = loadPrograms(kernel, object, own, targetsOf(kernel, object, all));
    if (!loaded) return;
    showCode(kernel, loaded);
    all.push(loaded);
  }
  const captures = openCaptures(kernel, options);
  const device = deviceNamed(kernel, options.dev ?? 'lo');
  const links = all.flatMap((loaded) =>
    attach(kernel, loaded, options.keepGoing === true, device, iterInfo(loaded, options.iter ?? [])),
  );
  const traffic = new Traffic(kernel, options);
  kernel.departures.told.add(showDeparture);
  const results = new Results(kernel, all, options);
  const interrupt = onInterrupt();
  try {
    traffic.arrive(captures);
    const run =
      recording &&
      (await replayAll(kernel, recording, {
        ...options,
        ...(isOwn ? { moments: momentsOf(saved, kernel, all[0] as Loaded) } : {}),
        signal: interrupt.signal,
      }));
    traffic.finish();
    results.finish();
    report();
    for (const link of links) readIterator(link);
    if (!run) return;
    const passed = all.flatMap((loaded) => loaded.skipped.map((p) => p.program));
    const over = passed.length === 0 ? '' : `; passed over ${plural(passed.length, 'program')}: ${passed.join(', ')}`;
    stage('done', `${run.text} in ${milliseconds(run.ms)}${over}`);
    process.exitCode = run.exitCode;
  } finally {
    interrupt.forget();
  }
}

/**
 * Of several objects each is given the options that name something of its own: programs, maps, globals. What none has
 * is left to the first, which says so.
 */
function optionsOfEach(
  opened: readonly Opened[],
  options: LoadCommandOptions,
): readonly { readonly object: BpfObject; readonly options: LoadCommandOptions }[] {
  if (opened.length < 2) return opened.map(({ object }) => ({ object, options }));
  const has: Record<'program' | 'map' | 'inner' | 'set', (object: BpfObject, name: string) => boolean> = {
    program: (object, name) => object.programs.some((p) => p.name === name),
    map: (object, name) => object.maps.some((m) => m.realName === name),
    inner: (object, name) => object.maps.some((m) => m.realName === name),
    set: (object, name) => [object.rodata, object.data, object.bss].some((v) => name in v),
  };
  const own = (object: BpfObject, key: keyof typeof has): readonly string[] | undefined => {
    const given = options[key];
    if (given === undefined) return undefined;
    const nameOf = (text: string): string => text.split('=')[0] as string;
    const orphan = (text: string): boolean => !opened.some((o) => has[key](o.object, nameOf(text)));
    const isFirst = object === opened[0]?.object;
    return given.filter((text) => has[key](object, nameOf(text)) || (isFirst && orphan(text)));
  };
  return opened.flatMap(({ object }) => {
    const program = own(object, 'program');
    if (program?.length === 0) return [];
    const parts = { program, map: own(object, 'map'), inner: own(object, 'inner'), set: own(object, 'set') };
    const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
    return [{ object, options: { ...options, ...given } }];
  });
}

export function showObject(file: string, object: BpfObject): void {
  const { model } = object;
  const btf = model.btf ? plural(model.btf.typeCount - 1, 'type') : 'none (compile with -g for C lines)';
  stage(
    'elf',
    `${file}: ${plural(model.elf.sections.length - 1, 'section')}, ${plural(object.programs.length, 'program')}, ${plural(object.maps.length, 'map')}, licence ${object.license || 'none'}, BTF ${btf}`,
  );
  for (const p of object.programs)
    detail(
      `program ${p.name}  SEC("${p.rawSectionName}")  ${plural(p.insns.length, 'instruction')}${p.autoload ? '' : ', not loaded by itself'}`,
    );
  for (const m of object.maps)
    detail(`map ${m.realName}  ${mapTypeName(m.type)}, key ${m.keySize}, value ${m.valueSize}, ${m.maxEntries} max`);
  for (const warning of object.warnings) warn(warning);
}

/** Loads all, or says why one is refused; undefined then, and the exit code set. */
export function loadPrograms(
  kernel: Kernel,
  object: BpfObject,
  options: StageOptions,
  targets: NonNullable<LoadOptions['targets']> = {},
): Loaded | undefined {
  const started = now();
  try {
    const loaded = object.load(kernel, {
      ...loadOptions(object, options),
      targets,
      verify: options.verify,
      logLevel: options.verify ? STATISTICS : 0,
    });
    for (const warning of loaded.warnings) if (!object.warnings.includes(warning)) warn(warning);
    for (const p of Object.values(loaded.programs)) {
      showVerdict(p.name, p.handle.log, options.verify, now() - started);
      const note = uninitialisedReads(p.handle.uninitReads);
      if (note !== undefined) detail(note);
    }
    return loaded;
  } catch (error) {
    if (!(error instanceof BpfError) || !error.log) throw error;
    showRejection(kernel, object, error, options);
    process.exitCode = 1;
    return undefined;
  }
}

/** log_level 4: only the counts at the end. */
const STATISTICS = 4;

function showVerdict(name: string, log: string, verified: boolean, ms: number): void {
  if (!verified) {
    stage('verify', `${name}: skipped, as --no-verify says`);
    return;
  }
  const insns = /processed (\d+) insns/.exec(log)?.[1] ?? '?';
  const took = /verification time (\d+) usec/.exec(log)?.[1];
  const stack = /stack depth ([\d+]+)/.exec(log)?.[1];
  const time = took === undefined ? milliseconds(ms) : milliseconds(Number(took) / 1000);
  stage(
    'verify',
    `${name}: ${paint.green('accepted')}, ${insns} instructions processed${stack ? `, stack depth ${stack}` : ''}, ${time}`,
  );
}

function showRejection(kernel: Kernel, object: BpfObject, error: BpfError, options: StageOptions): void {
  // the counts alone say nothing: ask again for every instruction
  const log = fullLog(kernel, object, options) ?? error.log ?? '';
  if (options.log) tell(log);
  const { message, insn, source, meaning } = explainRejection(log);
  stage('verify', `${paint.red('refused')} (${error.errno}): ${paint.bold(message)}`);
  if (source) detail(`C line       ${source}`);
  if (insn) detail(`instruction  ${insn}`);
  if (meaning) detail(`meaning      ${meaning}`);
  const topic = topicOf(message);
  if (topic) detail(`more         ebpf-emu explain ${topic.name}: ${topic.title}`);
  if (!options.log) detail(paint.dim('--log prints the whole log'));
}

function fullLog(kernel: Kernel, object: BpfObject, options: StageOptions): string | undefined {
  try {
    object.load(kernel, { ...loadOptions(object, options), logLevel: 2 });
    return undefined;
  } catch (error) {
    return error instanceof BpfError ? error.log : undefined;
  }
}

export function showCode(kernel: Kernel, loaded: Loaded): void {
  for (const p of Object.values(loaded.programs)) {
    const funcs = p.handle.jitedFuncs;
    if (funcs.length === 0)
      stage('interp', `${p.name}: ${plural(p.handle.xlated.length / 8, 'instruction')} for the interpreter`);
    for (const f of funcs)
      stage(
        'jit',
        `${p.name}: ${plural(f.length, 'byte')} at ${f.address.toString(16)} ${paint.dim(`<${f.name}>`)}${kernel.engine === 'step' ? ', run by the instruction' : ''}`,
      );
  }
}

export function attach(
  kernel: Kernel,
  loaded: Loaded,
  keepGoing: boolean,
  device: NetDevice,
  iterators: Readonly<Record<string, Uint8Array>> = {},
): ReturnType<Loaded['attach']> {
  // what only the model cannot attach is no fault of the object: the others run
  const links = loaded.attach({ keepGoing: keepGoing || 'unmodelled', ifindex: device.index, iterInfo: iterators });
  links.push(...attachToRoot(kernel, loaded), ...attachToNamespace(kernel, loaded));
  const offered = offerToSockets(kernel, loaded);
  for (const { why } of loaded.skipped) warn(`passed over: ${why}`);
  if (links.length === 0 && loaded.skipped.length > 0 && !keepGoing)
    throw new UserError('no program of the object could be attached');
  for (const link of links) {
    const probes = probesOf(link.link);
    if (probes.length === 0)
      stage('attach', `${link.program}: ${link.method} ${isOnDevice(link.method) ? device.name : link.target}`);
    for (const probe of probes) {
      stage('attach', `${link.program}: ${whereOf(link, probe)} (${probe.via})`);
      detail(`before  ${hexBytes(probe.before)}`);
      detail(`after   ${hexBytes(probe.after)}`);
      const runs = probe.kind.includes('tracepoint')
        ? 'runs only where a recording tells of its event'
        : 'will not run here';
      if (probe.unreached !== undefined) warn(`${link.program} ${runs}: ${probe.unreached}`);
    }
  }
  for (const { program, why } of loaded.notAttached)
    if (![...links, ...loaded.skipped].some((known) => known.program === program) && !offered.includes(program))
      warn(`${program} is loaded, but not attached: ${why}`);
  return links;
}

/** What is patched: an address of the kernel's text, or a place in a file, wherever that is mapped. */
function whereOf({ target }: { readonly target: string }, { kind, symbol, offset, address }: ProbeLink): string {
  const plus = offset === 0 ? '' : `+0x${offset.toString(16)}`;
  return kind === 'uprobe' || kind === 'uretprobe'
    ? `${kind} on ${target}, at 0x${address.toString(16)} of ${symbol}`
    : `${kind} on ${symbol}${plus}, patched at ${formatAddr(address)}`;
}

/** Programs that sockets ask for: recorded calls of setsockopt say when. */
function offerToSockets(kernel: Kernel, loaded: Loaded): string[] {
  return Object.values(loaded.programs).flatMap(({ name, handle }) => {
    if (!FOR_SOCKETS.has(handle.prog.type)) return [];
    kernel.bpf.offerToSockets(handle.fd);
    stage('attach', `${name}: sockets that ask for a program by setsockopt`);
    return [name];
  });
}
const FOR_SOCKETS: ReadonlySet<number> = new Set([BPF_PROG_TYPE.SOCKET_FILTER, BPF_PROG_TYPE.SK_REUSEPORT]);

/** Programs of the network namespace: there is one. */
function attachToNamespace(kernel: Kernel, loaded: Loaded): ReturnType<Loaded['attach']> {
  const programs = Object.values(loaded.programs).filter(
    ({ handle, definition }) => attachKind(handle.prog.type, definition.expectedAttachType)?.target === 'netns',
  );
  if (programs.length === 0) return [];
  const targetFd = kernel.net.openNamespace();
  return programs.map((program) => ({ ...program.attach({ targetFd }), target: kernel.net.namespace.fdName }));
}

/** Programs of cgroups: their sections do not say which, and the root has every task. */
function attachToRoot(kernel: Kernel, loaded: Loaded): ReturnType<Loaded['attach']> {
  const programs = Object.values(loaded.programs).filter(
    ({ handle, definition }) => attachKind(handle.prog.type, definition.expectedAttachType)?.target === 'cgroup',
  );
  if (programs.length === 0) return [];
  const targetFd = kernel.cgroups.open('/');
  return programs.map((program) => ({ ...program.attach({ targetFd }), target: '/sys/fs/cgroup' }));
}

/** Where a verdict makes the replay another story than the recording. */
function showDeparture({ pid, comm, call, recorded, result, by }: Departure): void {
  const was =
    recorded === undefined ? 'has not returned' : recorded < 0 ? errnoName(-recorded) : `returned ${recorded}`;
  warn(
    `${comm}-${pid}: ${call} ${result < 0 ? `is ${errnoName(-result)}` : `returns ${result}`} here, as a ${by} program says; in the recording it ${recorded !== undefined && recorded < 0 ? `is ${was}` : was}: what follows is as recorded`,
  );
}

const isOnDevice = (method: string): boolean => ['xdp', 'tc', 'tcx'].includes(method);

/** What attaching patched; nothing for links that hang on no text. */
function probesOf(handle: object): readonly ProbeLink[] {
  const link = 'link' in handle ? handle.link : undefined;
  return link instanceof BpfLink ? link.probes : [];
}

/** What iterators are told to go over: `union bpf_iter_link_info` of a map, by program. */
function iterInfo(loaded: Loaded, given: readonly string[]): Readonly<Record<string, Uint8Array>> {
  const out: Record<string, Uint8Array> = {};
  for (const text of given) {
    const [program = '', map = ''] = text.split('=');
    const fd = loaded.maps[map]?.fd;
    if (!(program in loaded.programs)) continue;
    if (fd === undefined) throw new UserError(`--iter ${text}: the object has no map ${map}`);
    out[program] = new Uint8Array(Uint32Array.of(fd).buffer);
  }
  return out;
}

/** What the program of an iterator writes, at the end of the run. */
function readIterator({ program, method, link }: ReturnType<Loaded['attach']>[number]): void {
  if (method !== 'iter') return;
  const bytes = link.read();
  stage('iter', `${program}: ${plural(bytes.length, 'byte')}`);
  print(decodeLatin1(bytes));
}

/** Programs of objects in front, whose functions this one's programs extend, or watch where the kernel has none of the name. */
function targetsOf(kernel: Kernel, object: BpfObject, before: readonly Loaded[]): NonNullable<LoadOptions['targets']> {
  const out: Record<string, { readonly prog: number }> = {};
  for (const { name, match, target } of object.programs) {
    const isTracing = match?.rule.method === 'trace' && match.rule.attachBtf;
    if (target === undefined || (match?.rule.method !== 'freplace' && !isTracing)) continue;
    if (isTracing && kernel.symbols.find(target) !== undefined) continue;
    const has = ({ handle }: Loaded['programs'][string]): boolean =>
      handle.jitedFuncs.some((func) => func.name.replace(/^bpf_prog_[0-9a-f]{16}_/, '') === target);
    const found = before.flatMap((loaded) => Object.values(loaded.programs)).find(has);
    if (found) out[name] = { prog: found.fd };
  }
  return out;
}
