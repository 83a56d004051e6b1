/**
 * File systems that are modules of Debian's kernel: what struct file_operations and struct inode_operations of their
 * regular files have (fs/ext4/file.c, fs/xfs/xfs_file.c, fs/btrfs/file.c, fs/nfs/file.c of Linux 6.12).
 */
export interface FileSystem {
  /** the structure itself */
  readonly file_operations: string;
  readonly open: string;
  readonly read_iter: string;
  readonly write_iter: string;
  readonly fsync: string;
  readonly getattr: string;
}
export type FileOperation = Exclude<keyof FileSystem, 'file_operations'>;

export const FILE_SYSTEMS = {
  ext4: {
    file_operations: 'ext4_file_operations',
    open: 'ext4_file_open',
    read_iter: 'ext4_file_read_iter',
    write_iter: 'ext4_file_write_iter',
    fsync: 'ext4_sync_file',
    getattr: 'ext4_file_getattr',
  },
  xfs: {
    file_operations: 'xfs_file_operations',
    open: 'xfs_file_open',
    read_iter: 'xfs_file_read_iter',
    write_iter: 'xfs_file_write_iter',
    fsync: 'xfs_file_fsync',
    getattr: 'xfs_vn_getattr',
  },
  btrfs: {
    file_operations: 'btrfs_file_operations',
    open: 'btrfs_file_open',
    read_iter: 'btrfs_file_read_iter',
    write_iter: 'btrfs_file_write_iter',
    fsync: 'btrfs_sync_file',
    getattr: 'btrfs_getattr',
  },
  nfs: {
    file_operations: 'nfs_file_operations',
    open: 'nfs_file_open',
    read_iter: 'nfs_file_read',
    write_iter: 'nfs_file_write',
    fsync: 'nfs_file_fsync',
    getattr: 'nfs_getattr',
  },
} as const satisfies Readonly<Record<string, FileSystem>>;

export type FileSystemName = keyof typeof FILE_SYSTEMS;
export const FILE_SYSTEM_NAMES = Object.keys(FILE_SYSTEMS) as readonly FileSystemName[];
