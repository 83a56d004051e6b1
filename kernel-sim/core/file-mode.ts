/** Types of files in `st_mode` and `i_mode` (inode(7); include/uapi/linux/stat.h). */
export const S_IFMT = 0o170_000;
export const S_IF = {
  FIFO: 0o010_000,
  CHR: 0o020_000,
  DIR: 0o040_000,
  BLK: 0o060_000,
  REG: 0o100_000,
  LNK: 0o120_000,
  SOCK: 0o140_000,
} as const;
