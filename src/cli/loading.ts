/** What the command line decides in place of a loader: program types and targets, sizes of maps, globals. */
import { nearestOrAll } from '../errors/near.ts';
import type { BpfObject, LoadOptions, MapOverride, Variables } from '../object/index.ts';
import { sectionFor, whyNoSection } from '../object/index.ts';
import { UserError } from './errors.ts';

/** As commander gives them. */
export interface LoadingOptions {
  readonly program?: readonly string[];
  readonly type?: string;
  readonly attach?: string;
  /** `NAME=ENTRIES[:VALUE_SIZE]` */
  readonly map?: readonly string[];
  /** `NAME=MAP` */
  readonly inner?: readonly string[];
  /** `NAME=VALUE` */
  readonly set?: readonly string[];
  readonly keepGoing?: boolean;
}

/** Options of {@link BpfObject.load}; globals are set in the object at once. @throws UserError */
export function loadOptions(object: BpfObject, options: LoadingOptions): LoadOptions {
  for (const text of options.set ?? []) setGlobal(object, text);
  const sections = sectionsOf(object, options);
  const maps = mapsOf(options);
  return {
    ...(options.program ? { programs: options.program } : {}),
    ...(sections ? { sections } : {}),
    ...(maps ? { maps } : {}),
    ...(options.keepGoing ? { keepGoing: true } : {}),
  };
}

/** `--type` and `--attach` are for the programs that -p names; else for those whose section does not say; else for all. */
function sectionsOf(object: BpfObject, { program, type, attach }: LoadingOptions): Record<string, string> | undefined {
  if (type === undefined && attach === undefined) return undefined;
  const chosen = program ? program.map((name) => object.program(name)) : object.programs;
  const silent = chosen.filter((p) => p.match === undefined);
  const meant = program || silent.length === 0 ? chosen : silent;
  return Object.fromEntries(
    meant.map((p) => {
      const given = type ?? p.match?.rule.pattern.replace(/\+$/, '');
      if (given === undefined) throw new UserError(`${p.name}: its section does not say its type; give it with --type`);
      const section = sectionFor(given, attach);
      if (section === undefined) throw new UserError(`--type: ${whyNoSection(given, attach)}`);
      return [p.name, section];
    }),
  );
}

/** `NAME=REST`. */
function split(option: string, text: string): [name: string, rest: string] {
  const at = text.indexOf('=');
  if (at <= 0) throw new UserError(`${option} ${text}: it takes NAME=..., as --help says`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function mapsOf({ map = [], inner = [] }: LoadingOptions): Record<string, MapOverride> | undefined {
  if (map.length === 0 && inner.length === 0) return undefined;
  const out: Record<string, MapOverride> = {};
  for (const text of map) {
    const [name, sizes] = split('--map', text);
    const match = /^(\d*)(?::(\d+))?$/.exec(sizes);
    if (!match || sizes === '') throw new UserError(`--map ${text}: it takes NAME=ENTRIES[:VALUE_SIZE], whole numbers`);
    const [, entries, valueSize] = match;
    out[name] = {
      ...out[name],
      ...(entries ? { maxEntries: Number(entries) } : {}),
      ...(valueSize === undefined ? {} : { valueSize: Number(valueSize) }),
    };
  }
  for (const text of inner) {
    const [name, of] = split('--inner', text);
    out[name] = { ...out[name], inner: of };
  }
  return out;
}

function setGlobal(object: BpfObject, text: string): void {
  const [name, value] = split('--set', text);
  const variables = [object.rodata, object.data, object.bss];
  const found = variables.find((v) => name in v);
  if (!found) {
    const names = variables.flatMap((v) => Object.keys(v));
    throw new UserError(
      `--set ${name}: the object has no such global${names.length === 0 ? ' (it has none with types: compile it with -g)' : nearestOrAll(name, names)}`,
    );
  }
  assign(found, name, value);
}

/** The text as a value of the variable's own kind. */
function assign(variables: Variables, name: string, text: string): void {
  const now = variables[name];
  if (typeof now === 'boolean') {
    if (!/^(true|false|0|1)$/.test(text)) throw new UserError(`--set ${name}: '${text}' is neither true nor false`);
    variables[name] = text === 'true' || text === '1';
  } else if (typeof now === 'number' || typeof now === 'bigint') {
    variables[name] = number(name, text, typeof now === 'number' && !Number.isInteger(now));
  } else if (typeof now === 'string') variables[name] = text;
  else {
    try {
      variables[name] = JSON.parse(text);
    } catch {
      throw new UserError(`--set ${name}: '${text}' is no JSON, which arrays and structures take`);
    }
  }
}

function number(name: string, text: string, isFloat: boolean): number | bigint {
  if (isFloat && text !== '' && Number.isFinite(Number(text))) return Number(text);
  const digits = /^(-?)(0[xX][0-9a-fA-F]+|\d+)$/.exec(text);
  if (!digits) throw new UserError(`--set ${name}: '${text}' is no whole number`);
  const value = BigInt(digits[2] as string);
  return digits[1] ? -value : value;
}
