/** The root file system as a module: its functions can be probed, and vfs calls them for files that lie on it. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';

const RECORDING = `7 1.0 openat(AT_FDCWD, "/srv/notes", O_RDWR) = 3
7 1.1 read(3, "abc", 100) = 3
7 1.2 write(3, "abcd", 4) = 4
7 1.3 fsync(3) = 0
7 1.4 close(3) = 0
7 1.5 openat(AT_FDCWD, "/proc/uptime", O_RDONLY) = 3
7 1.6 read(3, "1.0", 100) = 3
7 1.7 stat("/srv/notes", {st_mode=S_IFREG|0644, st_size=7, ...}) = 0
`;
const boot = (rootfs?: 'ext4' | 'xfs') => Kernel.boot({ engine: 'step', ...(rootfs ? { rootfs } : {}) });

describe('the root file system', () => {
  it('is what vfs calls for its files, and no other', async () => {
    const k = await boot('ext4');
    const seen: string[] = [];
    for (const [symbol, ret] of [
      ['ext4_file_open', false],
      ['ext4_file_read_iter', true],
      ['ext4_file_write_iter', true],
      ['ext4_sync_file', false],
      ['ext4_file_getattr', false],
    ] as const)
      k.probes.kprobe(
        program(k, symbol, () => void seen.push(symbol)),
        { symbol, ret },
      );
    await k.replay(readStrace(RECORDING).trace);
    expect(seen).toEqual([
      'ext4_file_open',
      'ext4_file_read_iter',
      'ext4_file_write_iter',
      'ext4_sync_file',
      'ext4_file_getattr',
    ]);
  });

  it('gives the file and the position to read from in struct kiocb', async () => {
    const k = await boot('xfs');
    const paths: string[] = [];
    k.probes.kprobe(
      program(k, 'read', () => {
        const kiocb = k.memory.readAddr(k.args.addr(0) + k.structs.of('pt_regs').offset('di'));
        paths.push(k.files.pathOf(k.memory.readAddr(kiocb)));
      }),
      { symbol: 'xfs_file_read_iter' },
    );
    await k.replay(readStrace(RECORDING).trace);
    expect(paths).toEqual(['/srv/notes']);
  });

  it('is listed with its module, and unknown where it is not loaded', async () => {
    const k = await boot('ext4');
    const read = (path: string): string => {
      const file = k.vfs.open(path, 0, 0, k.process);
      if (typeof file === 'number') throw new Error(`${path}: error ${file}`);
      let text = '';
      for (;;) {
        const part = file.read?.(1 << 20);
        if (part === undefined || typeof part === 'number' || part.length === 0) return text;
        text += Buffer.from(part).toString();
      }
    };
    expect(read('/proc/kallsyms')).toMatch(/^[\da-f]{16} t ext4_file_open\t\[ext4\]$/m);
    expect(read('/sys/kernel/tracing/available_filter_functions')).toMatch(/^ext4_file_open \[ext4\]$/m);
    const other = await boot();
    expect(() =>
      other.probes.kprobe(
        program(other, 'x', () => {}),
        { symbol: 'ext4_file_open' },
      ),
    ).toThrow(/ENOENT|no kernel function/);
  });
});
