/**
 * What a loader decides in place of the file: section names that say nothing, sizes that are set before loading.
 * Each program of the field has such a loader of its own; here they are options.
 */
import { checkOptions, type Schema } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { nearestOrAll, nearestText } from '../errors/near.ts';
import { ATTACH_TYPES, mapTypeName, PROG_TYPES } from '../uapi/index.ts';
import { ObjectError } from './error.ts';
import { isMapInMap } from './maps/names.ts';
import type { MapDef, ObjectModel } from './model.ts';
import { matchSection, SECTION_RULES, type SectionRule } from './sections.ts';

/** A map as its loader wants it: bpf_map__set_max_entries() and its kin. */
export interface MapOverride {
  readonly maxEntries?: number;
  /** bytes */
  readonly keySize?: number;
  readonly valueSize?: number;
  /** map-in-map: the map of the object whose shape the inner maps have */
  readonly inner?: string;
}

const MAP: Schema<MapOverride> = {
  maxEntries: is.u32,
  keySize: is.u32,
  valueSize: is.u32,
  inner: is.text,
};

/** A map by its variable's name, or the one that the kernel sees. @throws ObjectError with the nearest */
export function mapNamed(object: ObjectModel, name: string): MapDef {
  const found = object.maps.find((m) => m.realName === name) ?? object.maps.find((m) => m.name === name);
  if (found) return found;
  const names = object.maps.map((m) => m.realName);
  throw new ObjectError(object.file, undefined, `there is no map '${name}'${nearestOrAll(name, names)}`);
}

/** Overrides by map. @throws ArgumentError, ObjectError for a map that is not there */
export function mapOverrides(
  object: ObjectModel,
  given: Readonly<Record<string, MapOverride>> = {},
): ReadonlyMap<MapDef, MapOverride> {
  const out = new Map<MapDef, MapOverride>();
  for (const [name, override] of Object.entries(given)) {
    checkOptions(`options.maps.${name}`, override, MAP);
    const map = mapNamed(object, name);
    if (override.inner !== undefined) checkInner(object, map, mapNamed(object, override.inner));
    out.set(map, override);
  }
  return out;
}

/** As Linux: only a map-in-map has inner maps, and they hold no maps themselves. @throws ObjectError */
function checkInner(object: ObjectModel, map: MapDef, inner: MapDef): void {
  const refuse = (which: MapDef, why: string): never => {
    throw new ObjectError(object.file, `map '${which.realName}' (${mapTypeName(which.type)})`, why);
  };
  if (!isMapInMap(map.type)) refuse(map, 'it holds no maps, so it has no inner map');
  if (isMapInMap(inner.type)) refuse(inner, 'a map of maps is no inner map');
}

const stem = (rule: SectionRule): string => rule.pattern.replace(/\+$/, '');
const takesTarget = (rule: SectionRule): boolean => rule.pattern.endsWith('+');

/**
 * The section name that says a program's type, and where it attaches.
 *
 * @param type a program type (`kprobe`, `sched_cls`), or libbpf's section name (`fentry`, `xdp.frags`)
 * @param attach an attach type (`cgroup_inet4_connect`), a target (`do_sys_openat2`), or both (`trace_fentry:do_unlinkat`)
 * @returns undefined where no section says that
 */
export function sectionFor(type: string, attach?: string): string | undefined {
  const [kind, target] = attachParts(attach);
  const rules = SECTION_RULES.filter((rule) => rule.type === type);
  const named = matchSection(type);
  if (rules.length === 0 || (named && named.rule.type !== type)) {
    if (!named) return undefined;
    if (kind !== undefined && named.rule.attachType !== kind) return undefined;
    return target === undefined ? type : `${type}/${target}`;
  }
  const fitting = rules.filter(
    (rule) => (kind === undefined || rule.attachType === kind) && (target === undefined || takesTarget(rule)),
  );
  // where each place of attaching is another attach type, one must be given
  if (kind === undefined && !fitting.some((rule) => rule.attachType === undefined || stem(rule) === type))
    return target === undefined && fitting.length === 1 ? stem(fitting[0] as SectionRule) : undefined;
  const plain = kind === undefined ? fitting.find((r) => r.attachType === undefined) : undefined;
  const rule = fitting.find((r) => stem(r) === type) ?? plain ?? fitting[0];
  return rule && (target === undefined ? stem(rule) : `${stem(rule)}/${target}`);
}

function attachParts(attach: string | undefined): [attachType: string | undefined, target: string | undefined] {
  if (attach === undefined) return [undefined, undefined];
  const isType = (name: string): boolean => (ATTACH_TYPES as readonly string[]).includes(name);
  if (isType(attach)) return [attach, undefined];
  const colon = attach.indexOf(':');
  const first = attach.slice(0, Math.max(0, colon));
  return isType(first) ? [first, attach.slice(colon + 1)] : [undefined, attach];
}

/** Why {@link sectionFor} found none. */
export function whyNoSection(type: string, attach: string | undefined): string {
  const rules = SECTION_RULES.filter((rule) => rule.type === type);
  if (rules.length === 0 && !matchSection(type)) {
    const near = nearestText(type, new Set([...PROG_TYPES.slice(1), ...SECTION_RULES.map(stem)]));
    return `'${type}' is neither a program type nor a section name${near}`;
  }
  const kinds = [...new Set(rules.flatMap((rule) => rule.attachType ?? []))];
  if (attach === undefined) return `${type} programs need an attach type: ${kinds.join(', ')}`;
  return `${type} programs do not attach to '${attach}'${kinds.length > 0 ? `; their attach types are ${kinds.join(', ')}` : ''}`;
}
