/** bpffs as a file system: directories that can be made, and pinned objects, which open(2) does not open. */
import { ERRNO, KernelError } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { BPFFS_ROOT, type Bpffs } from './bpffs.ts';
import { MAGIC } from './magic.ts';
import { link, listing } from './nodes.ts';
import type { DirectoryNode, Mount, Node } from './types.ts';

const attempt = (action: () => void): number => {
  try {
    action();
    return 0;
  } catch (error) {
    if (error instanceof KernelError) return -ERRNO[error.errno];
    throw error;
  }
};

/** What can be read where it is pinned: an iterator's link. */
interface Opened {
  iterator?(): FdObject | undefined;
}
/** bpffs_obj_fops has no way to read, bpf_obj_open gives EIO; an iterator's link has bpf_iter_fops */
const object = (fs: Bpffs, path: string): Node => ({
  kind: 'file',
  mode: 0o600,
  open: () => (fs.get(path) as Opened).iterator?.() ?? -ERRNO.EIO,
});

function directory(fs: Bpffs, path: string, mode: number): DirectoryNode {
  return listing(
    () => fs.list(path),
    (name) => {
      const at = `${path}/${name}`;
      const kind = fs.kind(at);
      if (kind === 'link') return link(fs.target(at) ?? '');
      return kind === 'directory' ? directory(fs, at, 0o755) : kind && object(fs, at);
    },
    {
      mode,
      mkdir: (name) => attempt(() => fs.mkdir(`${path}/${name}`)),
      rmdir: (name) => attempt(() => fs.rmdir(`${path}/${name}`)),
      symlink: (name, target) => attempt(() => fs.symlink(`${path}/${name}`, target)),
      unlink: (name) => attempt(() => fs.unlink(`${path}/${name}`)),
    },
  );
}

export const bpffsMount = (fs: Bpffs): Mount => ({
  path: BPFFS_ROOT,
  node: directory(fs, BPFFS_ROOT, 0o1777),
  magic: MAGIC.BPFFS,
});
