/** What the model keeps in objects of files and names beside their structures' fields, where host and kernel text find it. */
import { PATH_MAX } from '../../src/uapi/fcntl.ts';

/** Behind `struct file`: how many descriptors refer to it; whether it is one (and not a free object). Both s32. */
const FILE_WORDS = { refs: 0, live: 4 } as const;
export const FILE_WORDS_BYTES = 8;
/** Offset of such a word, by the structure's size. */
export const fileWord = (size: number, word: keyof typeof FILE_WORDS): number => ((size + 7) & ~7) + FILE_WORDS[word];
/**
 * Words of the pages that a read or write goes over: the next, one behind the last, the one at hand, their address_space; of
 * a read also the next to be told of, and the one that the read before ended in.
 */
export const RANGE = { next: 0, end: 8, index: 16, mapping: 24, told: 32, before: 40 } as const;
/** Field that holds the next file to be closed: Linux's f_task_work shares its place. */
export const FILE_NEXT = 'f_ra';
/** Bytes that have room for the largest of `struct sock`'s kin. */
export const SOCK_ROOM = 2560;
/** names_cache: bytes of an object, and where a free one has the next, as SLUB has it in the middle. */
export const NAME_NEXT = PATH_MAX / 2;
/**
 * At the end of `struct filename`'s object, what a walk of the path finds: the dentry, the number of names that lead to it,
 * and where it is a symbolic link the same of what that leads to (0 where it is none).
 */
export const NAME_WALK = {
  dentry: PATH_MAX - 32,
  depth: PATH_MAX - 24,
  target: PATH_MAX - 16,
  targetDepth: PATH_MAX - 8,
} as const;

/** d_flags, DCACHE_ENTRY_TYPE: what has the name; none of them, nothing is known to */
export const DCACHE_ENTRY_TYPE = 7 << 20;
export const DCACHE_REGULAR_TYPE = 4 << 20;
/** d_flags: asked for since the cache was last looked through */
export const DCACHE_REFERENCED = 1 << 6;
