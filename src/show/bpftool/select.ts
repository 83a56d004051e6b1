/** Which programs, maps, links and BTF a command means: `id 3`, `name counts`, `tag 3bf1fda76c224d71`, `pinned /sys/fs/bpf/counts`. */
import type { Kernel, MapHandle, Program } from '../../../kernel-sim/index.ts';
import { ArgumentError } from '../../errors/argument.ts';
import { nearestText } from '../../errors/near.ts';
import type { Words } from './args.ts';
import { fullName } from './prog.ts';

/** The program of an id, as a descriptor's handle for the time of `use`. */
export function withProg<T>(kernel: Kernel, id: number, use: (handle: Program) => T): T {
  const fd = kernel.bpf.fdById('prog', id);
  try {
    return use(kernel.bpf.prog(fd));
  } finally {
    kernel.bpf.close(fd);
  }
}
export function withMap<T>(kernel: Kernel, id: number, use: (handle: MapHandle) => T): T {
  const fd = kernel.bpf.fdById('map', id);
  try {
    return use(kernel.bpf.map(fd));
  } finally {
    kernel.bpf.close(fd);
  }
}

function pinned(kernel: Kernel, kind: 'prog' | 'map' | 'link', path: string): number {
  const fd = kernel.bpf.objGet(path);
  try {
    const info = kernel.bpf.objGetInfo(fd);
    if (info.kind !== kind) throw new ArgumentError('command', `${path} is a ${info.kind}, not a ${kind}`);
    return info.id;
  } finally {
    kernel.bpf.close(fd);
  }
}

const missing = (what: string, name: string, names: Iterable<string>): ArgumentError =>
  new ArgumentError('command', `no ${what} is named '${name}'${nearestText(name, names)}`);

/** Ids of the programs that the next words mean. @throws ArgumentError, BpfError */
export function selectProgs(kernel: Kernel, words: Words): number[] {
  const all = [...kernel.bpf.state.progs.all()];
  if (words.takeIf('id')) return [checked(kernel, 'prog', words.number('an id'))];
  if (words.takeIf('tag')) {
    const tag = words.take('a tag').toLowerCase();
    return all.filter((p) => p.init.tag === tag).map((p) => p.id);
  }
  if (words.takeIf('name')) {
    const name = words.take('a name');
    // the kernel's, which it may have cut, or the whole
    const found = all.filter((p) => p.name === name || fullName(p) === name);
    if (found.length === 0) throw missing('program', name, all.map(fullName));
    return found.map((p) => p.id);
  }
  if (words.takeIf('pinned')) return [pinned(kernel, 'prog', words.take('a path'))];
  throw new ArgumentError('command', `expected id, tag, name or pinned, not '${words.peek ?? 'the end'}'`);
}

export function selectMaps(kernel: Kernel, words: Words): number[] {
  const all = [...kernel.bpf.state.maps.all()];
  if (words.takeIf('id')) return [checked(kernel, 'map', words.number('an id'))];
  if (words.takeIf('name')) {
    const name = words.take('a name');
    const found = all.filter((m) => m.attrs.name === name || m.attrs.name === name.slice(0, 15));
    if (found.length === 0)
      throw missing(
        'map',
        name,
        all.map((m) => m.attrs.name),
      );
    return found.map((m) => m.id);
  }
  if (words.takeIf('pinned')) return [pinned(kernel, 'map', words.take('a path'))];
  throw new ArgumentError('command', `expected id, name or pinned, not '${words.peek ?? 'the end'}'`);
}

export function selectLink(kernel: Kernel, words: Words): number {
  if (words.takeIf('id')) return checked(kernel, 'link', words.number('an id'));
  if (words.takeIf('pinned')) return pinned(kernel, 'link', words.take('a path'));
  throw new ArgumentError('command', `expected id or pinned, not '${words.peek ?? 'the end'}'`);
}

/** The id itself, where there is such a thing. @throws BpfError ENOENT */
export function checked(kernel: Kernel, kind: 'prog' | 'map' | 'btf' | 'link', id: number): number {
  kernel.bpf.close(kernel.bpf.fdById(kind, id));
  return id;
}

/** The one that is meant where a command takes one. @throws ArgumentError where several are */
export function single(what: string, ids: readonly number[]): number {
  const [id, ...more] = ids;
  if (id === undefined) throw new ArgumentError('command', `there is no such ${what}`);
  if (more.length > 0)
    throw new ArgumentError('command', `several are meant: name the ${what} by id (${ids.join(', ')})`);
  return id;
}
