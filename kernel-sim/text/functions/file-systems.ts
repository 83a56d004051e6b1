/** File systems that are modules: what vfs calls of them, and what of the kernel's they call in turn (mm/filemap.c, fs/libfs.c). */
import { FILE_SYSTEMS, type FileSystem } from '../../data/file-systems.ts';

const rows = ({ open, read_iter, write_iter, fsync, getattr }: FileSystem): Readonly<Record<string, string>> => ({
  [`${open}(inode, filp): int`]: 'return 0',
  [`${read_iter}(iocb, to)`]: 'generic_file_read_iter(iocb, to); return result',
  [`${write_iter}(iocb, from)`]: 'generic_write_checks(iocb, from); generic_perform_write(iocb, from); return result',
  [`${fsync}(file, start, end, datasync): int`]: 'file_write_and_wait_range(file, start, end); return result',
  [`${getattr}(idmap, path, stat, mask, flags): int`]: 'generic_fillattr(idmap, mask, 0, stat); return 0',
});

export const fileSystems: Readonly<Record<string, string>> = Object.assign(
  {},
  ...Object.values(FILE_SYSTEMS).map(rows),
);
