/** Which argument of a call is the directory that another argument's path counts from (openat(2) and its kin). */
const pairs = (...list: (readonly [directory: number, path: number])[]) => list;

export const BASES: Readonly<Record<string, readonly (readonly [directory: number, path: number])[]>> = {
  openat: pairs([0, 1]),
  openat2: pairs([0, 1]),
  mkdirat: pairs([0, 1]),
  mknodat: pairs([0, 1]),
  unlinkat: pairs([0, 1]),
  newfstatat: pairs([0, 1]),
  statx: pairs([0, 1]),
  readlinkat: pairs([0, 1]),
  faccessat: pairs([0, 1]),
  faccessat2: pairs([0, 1]),
  fchmodat: pairs([0, 1]),
  fchmodat2: pairs([0, 1]),
  fchownat: pairs([0, 1]),
  futimesat: pairs([0, 1]),
  utimensat: pairs([0, 1]),
  execveat: pairs([0, 1]),
  name_to_handle_at: pairs([0, 1]),
  renameat: pairs([0, 1], [2, 3]),
  renameat2: pairs([0, 1], [2, 3]),
  linkat: pairs([0, 1], [2, 3]),
  symlinkat: pairs([1, 2]),
  move_mount: pairs([0, 1], [2, 3]),
  open_tree: pairs([0, 1]),
};
