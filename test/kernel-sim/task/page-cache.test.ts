/**
 * Files as reads, writes and O_CREAT find them. The pages that were brought in and dirtied are those that Linux 6.12 with
 * ext4 told of (filemap:mm_filemap_add_to_page_cache, writeback:writeback_dirty_folio) for the same calls.
 */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';

/** What happens in a recording: functions by what `tell` says of their registers. */
async function happens(
  lines: readonly string[],
  tell: Readonly<Record<string, (reg: (name: string) => number, kernel: Kernel) => string>>,
): Promise<string[]> {
  const kernel = await Kernel.boot();
  const told: string[] = [];
  const regs = kernel.structs.of('pt_regs');
  for (const [symbol, say] of Object.entries(tell)) {
    const prog = program(kernel, symbol, () => {
      const at = kernel.args.addr(0);
      told.push(say((name) => kernel.memory.readAddr(at + regs.offset(name)), kernel));
    });
    kernel.probes.kprobe(prog, { symbol });
  }
  const text = lines.map((line, n) => `100 1.${String(n).padStart(6, '0')} ${line}\n`).join('');
  expect(await kernel.replay(readStrace(text).trace)).toMatchObject({ stopped: undefined, oopses: [] });
  return told;
}

const PAGES = {
  filemap_add_folio: (reg: (name: string) => number) => `add ${reg('dx')}`,
  __folio_mark_dirty: (reg: (name: string) => number, { memory, structs }: Kernel) =>
    `dirty ${memory.readAddr(reg('di') + structs.of('folio').offset('index'))}`,
};

it('the first access of a page brings it in, and the first write dirties it', async () => {
  const told = await happens(
    [
      'openat(AT_FDCWD, "/mnt/fresh", O_RDWR|O_CREAT|O_TRUNC, 0644) = 3',
      'write(3, "hello\\n", 6) = 6',
      'write(3, ""..., 10000) = 10000',
      'pwrite64(3, ""..., 10, 0) = 10',
      'fsync(3) = 0',
      'pread64(3, ""..., 100, 0) = 100',
      'pread64(3, ""..., 9000, 0) = 9000',
      'pwrite64(3, ""..., 10, 4096) = 10',
      'close(3) = 0',
      'openat(AT_FDCWD, "/mnt/other", O_RDONLY) = 3',
      'read(3, ""..., 10006) = 10006',
      'read(3, "", 4096) = 0',
    ],
    PAGES,
  );
  const written = ['add 0', 'dirty 0', 'add 1', 'dirty 1', 'add 2', 'dirty 2'];
  expect(told).toEqual([...written, 'dirty 1', 'add 0', 'add 1', 'add 2']);
});

it('a page that one read after another is in is accessed once', async () => {
  const told = await happens(
    [
      'openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3',
      'read(3, ""..., 1000) = 1000',
      'read(3, ""..., 1000) = 1000',
      'read(3, ""..., 4000) = 4000',
      'lseek(3, 0, SEEK_SET) = 0',
      'read(3, ""..., 1000) = 1000',
    ],
    { ...PAGES, folio_mark_accessed: () => 'accessed' },
  );
  expect(told).toEqual(['add 0', 'accessed', 'add 1', 'accessed', 'accessed']);
});

it('O_CREAT makes a file once, and again when it was removed', async () => {
  const name = (reg: (name: string) => number, { memory, structs }: Kernel): string => {
    const text = memory.readAddr(reg('si') + structs.of('dentry').offset('d_name.name'));
    return `create ${Buffer.from(memory.readCString(text, 32)).toString()} ${reg('dx').toString(8)}`;
  };
  const inos = new Set<number>();
  const told = await happens(
    [
      'stat("/etc/there", {st_mode=S_IFREG|0644, st_size=127, ...}) = 0',
      'openat(AT_FDCWD, "/etc/there", O_WRONLY|O_CREAT, 0600) = 3',
      'openat(AT_FDCWD, "/dev/null", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4',
      'openat(AT_FDCWD, "/tmp/new", O_WRONLY|O_CREAT, 0640) = 5',
      'close(5) = 0',
      'openat(AT_FDCWD, "/tmp/new", O_WRONLY|O_CREAT, 0640) = 5',
      'close(5) = 0',
      'unlink("/tmp/new") = 0',
      'openat(AT_FDCWD, "/tmp/new", O_RDWR|O_CREAT|O_EXCL, 0644) = 5',
      'openat(AT_FDCWD, "/nowhere/new", O_RDWR|O_CREAT, 0644) = -1 ENOENT (No such file or directory)',
    ],
    {
      security_inode_create: name,
      vfs_open: (reg, { memory, structs }) => {
        const file = reg('si');
        const inode = memory.readAddr(file + structs.of('file').offset('f_inode'));
        inos.add(memory.readAddr(inode + structs.of('inode').offset('i_ino')));
        return `open ${(memory.readU32(file + structs.of('file').offset('f_mode')) & 0x10_0000) === 0 ? 'old' : 'new'}`;
      },
    },
  );
  expect(told).toEqual([
    'open old',
    'open old',
    'create new 100640',
    'open new',
    'open old',
    'create new 100644',
    'open new',
  ]);
  // what was removed and made again is another file
  expect(inos.size).toBe(4);
});
