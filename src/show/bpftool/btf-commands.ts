/** `bpftool btf show` and `btf dump SRC [format c]`: of a BTF object, program, map or file. */
import type { Kernel, MapHandle } from '../../../kernel-sim/index.ts';
import { Btf, dumpC } from '../../btf/index.ts';
import { ArgumentError } from '../../errors/argument.ts';
import { btfFromFile } from '../../object/index.ts';
import { type JsonStyle, jsonText } from '../json.ts';
import type { Words } from './args.ts';
import { btfJson, btfText, btfUsers, typesJson, typesText } from './btf.ts';
import { checked, selectMaps, selectProgs, single, withMap } from './select.ts';

export function showBtf(kernel: Kernel, words: Words, style: JsonStyle): string {
  const { state } = kernel.bpf;
  const only = words.isEnd ? undefined : words.takeIf('id') ? checked(kernel, 'btf', words.number('an id')) : undefined;
  words.end();
  const users = btfUsers(state);
  void state.vmlinuxBtf;
  const all = [...state.btfs.all()].sort((a, b) => a.id - b.id).filter((o) => only === undefined || o.id === only);
  if (style === 'text') return all.map((o) => btfText(o, users)).join('');
  return `${jsonText(
    all.map((o) => btfJson(o, users)),
    style,
  )}\n`;
}

interface Source {
  readonly btf: Btf;
  /** these types only */
  readonly ids?: readonly number[];
}

/** Types of a map's keys and values: `key`, `value`, `kv`, `all`. */
function mapSource({ map }: MapHandle, which: string): Source {
  if (!map.btfObject) throw new ArgumentError('command', `map ${map.id} has no BTF`);
  const { btfKeyTypeId: key, btfValueTypeId: value } = map.attrs;
  const { btf } = map.btfObject;
  if (which === 'all') return { btf };
  return { btf, ids: which === 'key' ? [key] : which === 'value' ? [value] : [key, value] };
}

function source(kernel: Kernel, words: Words, readFile: ((path: string) => Uint8Array) | undefined): Source {
  const { state } = kernel.bpf;
  if (words.takeIf('id')) {
    const object = state.btfs.get(checked(kernel, 'btf', words.number('an id')));
    if (object) return { btf: object.btf };
  }
  if (words.takeIf('prog')) {
    const id = single('program', selectProgs(kernel, words));
    const object = state.progs.get(id)?.btfObject;
    if (!object) throw new ArgumentError('command', `program ${id} has no BTF`);
    return { btf: object.btf };
  }
  if (words.takeIf('map')) {
    const id = single('map', selectMaps(kernel, words));
    const which = ['key', 'value', 'kv', 'all'].find((w) => words.peek === w) ?? 'kv';
    if (words.peek === which) words.take('which');
    return withMap(kernel, id, (handle) => mapSource(handle, which));
  }
  if (words.takeIf('file')) {
    const path = words.take('a path');
    if (!readFile) throw new ArgumentError('command', `no files are read here: ${path}`);
    return { btf: Btf.parse(btfFromFile(readFile(path), path)) };
  }
  throw new ArgumentError('command', `expected id, prog, map or file, not '${words.peek ?? 'the end'}'`);
}

export function dumpBtf(
  kernel: Kernel,
  words: Words,
  style: JsonStyle,
  readFile: ((path: string) => Uint8Array) | undefined,
): string {
  const { btf, ids } = source(kernel, words, readFile);
  let asC = false;
  if (words.takeIf('format')) {
    const format = words.take('c or raw');
    if (format !== 'c' && format !== 'raw')
      throw new ArgumentError('command', `the format is c or raw, not '${format}'`);
    asC = format === 'c';
  }
  words.end();
  if (!asC) return style === 'text' ? typesText(btf, ids) : `${jsonText(typesJson(btf, ids), style)}\n`;
  if (style !== 'text') throw new ArgumentError('command', 'C has no form as JSON');
  return dumpC(btf, ids);
}
