/** What console.log shows of objects, in a kernel and before: util.inspect is what it asks. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel } from '../../src/index.ts';

const kernel = await Kernel.boot();
const load = (file: string) => {
  const loaded = BpfObject.open(`fixtures/${file}`).load(kernel);
  loaded.attach();
  return loaded;
};

describe('console.log', () => {
  it('shows values of variables', () => {
    const { rodata, bss } = load('guard.o');
    expect(inspect(rodata)).toBe('{ locked_uid: 1000 }');
    kernel.task({ uid: 1000 }).syscall('openat', { filename: '/etc/passwd' }, { result: 3 });
    expect(inspect(bss)).toBe('{ refused: 1 }');
    expect(Object.keys(bss)).toEqual(['refused']);
  });
  it('shows maps as maps, and what carries records by its size', () => {
    const { counts } = load('opens.o').maps;
    counts!.set(7, 700);
    expect(inspect(counts)).toBe('Map(1) [hash] { 7 => 700n }');
    const { events } = load('opensnoop.o').maps;
    expect(inspect(events)).toBe("{ type: 'ringbuf', maxEntries: 65536 }");
  });
  it('shows an object by its names, before and after it is loaded', () => {
    expect(inspect(BpfObject.open('fixtures/guard.o'))).toBe(`BpfObject {
  name: 'guard',
  license: 'GPL',
  programs: { no_mail: 'cgroup/connect4', no_files: 'lsm/file_open' },
  maps: { '.rodata': 'array', '.bss': 'array' },
  data: {},
  rodata: { locked_uid: 1000 },
  bss: { refused: 0 }
}`);
    const loaded = load('opens.o');
    expect(inspect(loaded)).toMatch(/^LoadedObject \{\n {2}name: 'opens',\n[\s\S]*counts: Map\(0\) \[hash\] \{\}/);
    expect(inspect([loaded.programs['count_opens']])).toMatch(
      /^\[\n? +LoadedProgram \{\s+name: 'count_opens',\s+section: 'kprobe\/do_sys_openat2',\s+fd: \d+\s+\}\n?/,
    );
    expect(inspect({ a: { b: { c: kernel } } })).toContain('[Kernel]');
  });
});
