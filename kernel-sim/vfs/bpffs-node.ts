/** bpffs as a file system: directories that can be made, and pinned objects, which open(2) does not open. */
import { doneOrErrno, ERRNO } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { BPFFS_ROOT, type Bpffs } from './bpffs.ts';
import { MAGIC } from './magic.ts';
import { link, listing } from './nodes.ts';
import type { DirectoryNode, Mount, Node } from './types.ts';

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
      mkdir: (name) => doneOrErrno(() => fs.mkdir(`${path}/${name}`)),
      rmdir: (name) => doneOrErrno(() => fs.rmdir(`${path}/${name}`)),
      symlink: (name, target) => doneOrErrno(() => fs.symlink(`${path}/${name}`, target)),
      unlink: (name) => doneOrErrno(() => fs.unlink(`${path}/${name}`)),
    },
  );
}

export const bpffsMount = (fs: Bpffs): Mount => ({
  path: BPFFS_ROOT,
  node: directory(fs, BPFFS_ROOT, 0o1777),
  magic: MAGIC.BPFFS,
});
