/**
 * Iterators of `fixtures/iters` read here, against what Linux 6.12.117 gave: bpftool pinned them, dd and cat read them, and strace
 * told the sizes of the reads.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, expect, it } from 'vitest';
import { BpfError, BpfObject, Kernel, type LinkHandle } from '../../../src/index.ts';

let kernel: Kernel;
beforeAll(async () => {
  kernel = await Kernel.boot();
});
const fixture = (name: string): string => new URL(`../../../fixtures/iters/${name}.bpf.o`, import.meta.url).pathname;
/** `union bpf_iter_link_info` */
const info = (...words: number[]): Uint8Array =>
  new Uint8Array(new Uint32Array([...words, 0, 0, 0, 0].slice(0, 4)).buffer);
function attach(name: string, iterInfo?: Uint8Array): LinkHandle {
  const { programs } = BpfObject.open(fixture(name)).load(kernel);
  const [program] = Object.values(programs);
  if (program === undefined) throw new Error(`${name} has no program`);
  return program.attach(iterInfo === undefined ? {} : { iterInfo }).link;
}
const text = (link: LinkHandle): string => Buffer.from(link.read()).toString('latin1');
/** What each read(2) of so many bytes gives, to the end or an error. */
function reads(link: LinkHandle, bytes: number): number[] {
  const iterator = link.link.iterator();
  const sizes: number[] = [];
  for (;;) {
    const got = iterator?.read?.(bytes) ?? 0;
    sizes.push(typeof got === 'number' ? got : got.length);
    if (typeof got === 'number' || got.length === 0) break;
  }
  iterator?.release?.();
  return sizes;
}
const array = (entries: number, name: string) =>
  kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 8, maxEntries: entries, name });

it('goes over the elements of a map by buffers of 32 KiB', () => {
  const map = array(2000, 'numbers');
  map.update(3, Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0));
  const link = attach('elements', info(map.fd));
  expect(reads(link, 131_072)).toEqual([32_760, 2156, 0]);
  expect(reads(link, 1000).slice(0, 8)).toEqual([1000, 10, 1000, 1000, 3, 1000, 3, 1000]);
  expect(createHash('md5').update(text(link)).digest('hex')).toBe('65090e326787fcde2f94651f3f24ac8c');
});

it('ends with E2BIG at an element that fits into no buffer, with what was in front of it read', () => {
  expect(reads(attach('large', info(array(6, 'six').fd)), 131_072)).toEqual([28_672, -7]);
});

it('asks for an element again that the program asks for again', () => {
  const link = attach('again', info(array(6, 'six').fd));
  expect(reads(link, 4096)).toEqual([20, -11]);
  expect(text(link)).toBe('0 asked 2\n1 asked 2\n2 asked 3\n3 asked 3\n4 asked 3\n5 asked 3\nend\n');
});

it('tells kernel symbols by address, type and name', () => {
  const symbols = text(attach('ksyms'));
  expect(createHash('md5').update(symbols).digest('hex')).toBe('e080a9a69d73aa9f6840f7d104804339');
});

it('goes over maps, programs and links by their ids', async () => {
  kernel = await Kernel.boot();
  array(2000, 'numbers');
  kernel.bpf.mapCreate({ type: 'hash', keySize: 8, valueSize: 16, maxEntries: 5, name: 'words', flags: 1 });
  const [maps, progs, links] = ['maps', 'progs', 'links'].map((name) => attach(name)) as [
    LinkHandle,
    LinkHandle,
    LinkHandle,
  ];
  // libbpf of Debian 12 made sections mappable; their ids are those of the maps that bpftool made while it probed
  const shown = text(maps).replaceAll(/^ +\d+/gm, '');
  expect(shown).toBe(
    [
      '  id name            type key value entries flags',
      ' numbers            2   4     8    2000     0',
      ' words              1   8    16       5     1',
      ' maps.rodata        2   4    83       1    80',
      ' progs.rodata       2   4    38       1    80',
      ' links.rodata       2   4    20       1    80',
      '',
    ].join('\n'),
  );
  expect(text(progs).replaceAll(/^\d+/gm, '')).toBe(
    ' maps type 26 at 28, 54 instructions\n progs type 26 at 28, 26 instructions\n links type 26 at 28, 21 instructions\n',
  );
  expect(text(links).replaceAll(/prog \d+/g, 'prog')).toBe('1 type 4 prog\n2 type 4 prog\n3 type 4 prog\n');
});

it('goes over cgroups in each of the orders', () => {
  for (const path of ['/a', '/a/b', '/c']) kernel.cgroups.mkdir(path);
  const order = (n: number): string =>
    text(attach('cgroups', info(n)))
      .replaceAll('level ', '')
      .replaceAll('\n', ',');
  expect([1, 2, 3, 4].map(order)).toEqual(['0 ,end,', '0 ,1 a,2 b,1 c,end,', '2 b,1 a,1 c,0 ,end,', '0 ,end,']);
  expect(() => attach('cgroups')).toThrow(/EINVAL/);
});

it('is read where it is pinned, once by each who opens it', () => {
  const link = attach('tasks');
  kernel.bpf.objPin('/sys/fs/bpf/tasks', link.fd);
  for (const order of [0, 1]) {
    const file = kernel.vfs.open('/sys/fs/bpf/tasks', 0, 0, kernel.process);
    if (typeof file === 'number') throw new Error(`open: ${file}`);
    const got = file.read?.(4096);
    expect(Buffer.from(got as Uint8Array).toString()).toBe(`ebpf-emu reads\nfew, ${order} out of order\n`);
    expect(file.read?.(4096)).toEqual(new Uint8Array(0));
    file.release?.();
  }
});

it('goes over the areas of a process, as its /proc/PID/maps has them', async () => {
  const own = await Kernel.boot();
  const steps = new URL('../../../fixtures/user/steps', import.meta.url);
  own.root.add('/home/demo/steps', new Uint8Array(readFileSync(steps)), 0o755);
  own.root.add('/etc/hostname', Buffer.from('demo\n'));
  const { programs } = BpfObject.open(fixture('areas')).load(own);
  const link = programs['areas']?.attach().link;
  let read: string[] | undefined;
  let maps: string[] = [];
  const streams = {
    read: () => new Uint8Array(0),
    write: () => {
      if (read !== undefined || link === undefined) return;
      const { pid, maps: areas } = own.tasks.current;
      read = text(link)
        .split('\n')
        .filter((line) => line.startsWith(`${pid} `));
      maps = (areas?.areas ?? []).map(({ start, end }) => `${pid} ${start.toString(16)}-${end.toString(16)}`);
    },
  };
  await own.replay(own.program({ path: '/home/demo/steps', argv: ['steps'] }, streams));
  expect(maps.length).toBeGreaterThan(3);
  expect(read?.map((line) => line.slice(0, line.lastIndexOf(' ')))).toEqual(maps);
});

it('refuses what bpf(2) refuses', () => {
  const hash = kernel.bpf.mapCreate({ type: 'queue', keySize: 0, valueSize: 4, maxEntries: 4 });
  const small = kernel.bpf.mapCreate({ type: 'array', keySize: 4, valueSize: 4, maxEntries: 4 });
  const failures = [info(), info(hash.fd), info(small.fd), info(99)].map((given) => {
    try {
      attach('elements', given);
      return 'none';
    } catch (error) {
      return error instanceof BpfError ? error.errno : String(error);
    }
  });
  expect(failures).toEqual(['EBADF', 'EINVAL', 'EACCES', 'EBADF']);
  expect(readFileSync(fixture('elements')).length).toBeGreaterThan(0);
});
