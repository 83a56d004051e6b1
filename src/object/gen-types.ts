/**
 * The TypeScript type of an object, from its BTF: what `ebpf-emu gen types` writes, and `BpfObject.open<Prog>('prog.o')`
 * takes. Values are as {@link decodeValue} gives them.
 */

import { type Btf, type BtfType, isComposite, isEnum } from '../btf/index.ts';
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { debugTypes } from './debug-types.ts';
import { isPerCpu } from './map-access.ts';
import type { MapDef, MapOrigin, ObjectModel } from './model.ts';
import { variablesOf } from './variables.ts';

const isModel = is.holding('model of an object', 'file', 'programs', 'maps');

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
const property = (name: string): string => (IDENTIFIER.test(name) ? name : quoted(name));
const pascal = (name: string): string => {
  const text = name.replaceAll(/[^A-Za-z0-9]+(.)?/g, (_, next: string | undefined) => (next ?? '').toUpperCase());
  const upper = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /^[A-Z]/.test(upper) ? upper : `T${upper}`;
};
/** enums are unions of their names, and first of all quoted */
const arrayOf = (element: string): string => (element.startsWith("'") ? `(${element})[]` : `${element}[]`);
/** of a structure without members */
const NOTHING = 'Record<string, never>';
/** types of the language that the text names */
const RESERVED = ['Record', 'Uint8Array'];
/** bytes of the widest integer that has a value */
const MAX_INTEGER = 16;

class Writer {
  readonly #btf: Btf;
  /** declarations by type id, in the order in which they were needed */
  readonly declarations = new Map<number, string>();
  readonly #names = new Map<number, string>();
  readonly #taken: Set<string>;

  /** by name in C: declared already, from another source */
  readonly #shared: ReadonlyMap<string, string>;

  /** `taken`: names that are another's */
  constructor(btf: Btf, taken: Set<string>, shared: ReadonlyMap<string, string> = new Map()) {
    this.#btf = btf;
    this.#taken = taken;
    this.#shared = shared;
  }

  /** Names of what is declared, by those in C. */
  get names(): ReadonlyMap<string, string> {
    return new Map([...this.#names].map(([id, name]) => [this.#btf.typeById(id).name, name]));
  }

  /** Type of a value; what has no name is written out, at an indent. */
  type(id: number, indent = ''): string {
    const type = this.#btf.resolve(id);
    switch (type.kind) {
      case 'int':
        if (type.bool) return 'boolean';
        if (type.size > MAX_INTEGER) return 'Uint8Array';
        return type.size <= 4 ? 'number' : 'bigint';
      case 'float':
        return type.size === 4 || type.size === 8 ? 'number' : 'Uint8Array';
      case 'ptr':
        return 'bigint';
      case 'array': {
        const element = this.#btf.resolve(type.type);
        if (element.kind === 'int' && element.size === 1 && (element.char || element.name === 'char')) return 'string';
        const text = this.type(type.type, indent);
        return arrayOf(text);
      }
      default:
        if (isEnum(type)) return this.#enum(type);
        if (isComposite(type)) return type.name === '' ? this.#members(type, indent) : this.#named(type);
        return 'never';
    }
  }
  #enum(type: Extract<BtfType, { kind: 'enum' | 'enum64' }>): string {
    const names = type.values.map((value) => quoted(value.name));
    return [...names, type.size <= 4 ? 'number' : 'bigint'].join(' | ');
  }
  #named(type: Extract<BtfType, { kind: 'struct' | 'union' }>): string {
    const known = this.#names.get(type.id) ?? this.#shared.get(type.name);
    if (known !== undefined) return known;
    let name = pascal(type.name);
    for (let n = 2; this.#taken.has(name); n++) name = `${pascal(type.name)}${n}`;
    this.#taken.add(name);
    this.#names.set(type.id, name);
    this.declarations.set(type.id, '');
    const text = this.#members(type, '');
    const declared = text === NOTHING ? `type ${name} = ${text};` : `interface ${name} ${text}`;
    this.declarations.set(type.id, `/** ${type.kind} ${type.name} */\nexport ${declared}`);
    return name;
  }
  #members(type: Extract<BtfType, { kind: 'struct' | 'union' }>, indent: string): string {
    const lines = this.#list(type, `${indent}  `).map((line) => `${indent}  ${line};`);
    return lines.length === 0 ? NOTHING : `{\n${lines.join('\n')}\n${indent}}`;
  }
  /** Members; those of anonymous ones are its own. */
  #list(type: Extract<BtfType, { kind: 'struct' | 'union' }>, indent: string): string[] {
    return type.members.flatMap((member) => {
      const inner = this.#btf.resolve(member.type);
      if (member.name !== '') return [`${property(member.name)}: ${this.type(member.type, indent)}`];
      return isComposite(inner) ? this.#list(inner, indent) : [];
    });
  }
}

const block = (name: string, lines: readonly string[]): string =>
  lines.length === 0
    ? `  readonly ${name}: Record<never, never>;`
    : `  readonly ${name}: {\n${lines.map((line) => `    ${line};`).join('\n')}\n  };`;

/** @param name of the type; by default the file's: `Opensnoop` for `opensnoop.bpf.o` */
export function genTypes(model: ObjectModel, called?: string): string {
  checkArgument('model', model, isModel);
  if (called !== undefined) checkArgument('name', called, is.text);
  const file = pascal(model.file.replace(/^.*\//, '').replace(/(\.bpf)?\.o$/, ''));
  const name = called ?? (RESERVED.includes(file) ? `${file}Object` : file);
  const { btf } = model;
  const taken = new Set([name, ...RESERVED]);
  const writer = btf && new Writer(btf, taken);
  const typeOf = (id: number): string => (writer && id !== 0 ? writer.type(id, '    ') : 'unknown');
  const maps = model.maps
    .filter((map) => map.origin === 'btf' || map.origin === 'legacy' || map.origin === 'struct_ops')
    .map(
      (map) =>
        `readonly ${property(map.realName)}: { readonly key: ${typeOf(map.btfKey)}; readonly value: ${entryValue(map, typeOf)} }`,
    );
  const programs = model.programs.map((p) => `readonly ${property(p.name)}: ${quoted(p.rawSectionName)}`);
  const section = (origin: MapOrigin): string[] =>
    model.maps
      .filter((map) => map.origin === origin)
      .flatMap((map) => variablesOf(btf, map, model.externs).map((v) => `${property(v.name)}: ${typeOf(v.type)}`));
  const types: string[] = [];
  const kernels = kernelTypes(model);
  for (const type of btf?.types() ?? [])
    if (
      type.name !== '' &&
      !kernels.has(type.id) &&
      (isComposite(type) || isEnum(type)) &&
      !types.some((t) => t.startsWith(`readonly ${property(type.name)}:`))
    )
      types.push(`readonly ${property(type.name)}: ${typeOf(type.id)}`);
  const told = debugTypes(model.elf);
  const debugWriter = told && new Writer(told.btf, taken, writer?.names);
  for (const id of told?.ids ?? []) {
    const called = told?.btf.typeById(id).name ?? '';
    if (types.some((t) => t.startsWith(`readonly ${property(called)}:`))) continue;
    types.push(`readonly ${property(called)}: ${debugWriter?.type(id)}`);
  }
  const shape = [
    block('maps', maps),
    block('programs', programs),
    ...(['data', 'bss', 'rodata', 'kconfig'] as const).map((origin) => block(origin, section(origin))),
    block('types', types),
  ];
  return [
    `// Written by \`ebpf-emu gen types\` from ${model.file}. Use it as BpfObject.open<${name}>('${model.file}').\n`,
    ...[writer, debugWriter].flatMap((w) => [...(w?.declarations.values() ?? [])].map((text) => `${text}\n`)),
    `export interface ${name} {\n${shape.join('\n')}\n}\n`,
  ].join('\n');
}

/**
 * Types that the object only knows in order to look into the kernel: those that its CO-RE relocations and its kernel
 * functions are about, and what these lead to. What a map or a variable holds is declared nevertheless, where it is held.
 */
function kernelTypes({ btf, btfExt, externs }: ObjectModel): ReadonlySet<number> {
  const seen = new Set<number>();
  if (!btf) return seen;
  const left = [...(btfExt?.core.values() ?? [])].flat().map((relo) => relo.typeId);
  for (const { isFunc, btfId } of externs) if (isFunc) left.push(btfId);
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (id === 0 || seen.has(id)) continue;
    seen.add(id);
    left.push(...leadsTo(btf.typeById(id)));
  }
  return seen;
}
function leadsTo(type: BtfType): number[] {
  if (isComposite(type)) return type.members.map((member) => member.type);
  if (type.kind === 'func_proto') return [type.type, ...type.params.map((param) => param.type)];
  return 'type' in type ? [type.type] : [];
}

function entryValue(map: MapDef, typeOf: (id: number) => string): string {
  const text = typeOf(map.btfValue);
  return isPerCpu(map.type) && text !== 'unknown' ? arrayOf(text) : text;
}
