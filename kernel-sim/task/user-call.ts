/** System calls as user space makes them. */

/** One argument of a recorded call. */
export type TraceArg =
  /** an integer, as the low and the high half; `strings`: how many strings the list has that it points to */
  | { readonly kind: 'int'; readonly lo: number; readonly hi: number; readonly strings?: number }
  /** a NUL-terminated string in user memory */
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  /** an array of strings (argv, envp), ended by a null pointer */
  | { readonly kind: 'strings'; readonly list: readonly Uint8Array[] }
  /** memory that the call reads, as bytes (a sockaddr, data written), or fills (`bytes` then says with what) */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** a pointer to something that the recording shows decoded, or not at all; `address`: the socket address in it */
  | { readonly kind: 'opaque'; readonly text: string; readonly address?: Uint8Array | undefined };

/** A frame of a recorded user stack. */
export interface UserFrame {
  /** the mapped file */
  readonly file: string;
  /** offset in that file's image, bytes */
  readonly offset: number;
  /** the nearest symbol, and the distance from it in bytes, where the recorder found one */
  readonly symbol?: string;
  readonly symbolOffset?: number;
}
/** A system call as a task makes it: what user space puts into registers and memory, and what is known of its result. */
export interface UserCall {
  readonly nr: number;
  readonly name: string;
  readonly args: readonly TraceArg[];
  /** what it returned, sign-extended; -errno for errors. undefined: it did not return (exit), or its return has not been given yet */
  readonly result: { readonly lo: number; readonly hi: number } | undefined;
  /** clone, clone3: flags that were given */
  readonly cloneFlags?: number;
  /** clone, clone3, fork: how the recording names the child, where the result is its number in another pid namespace */
  readonly child?: number;
  /** the user stack at the call, innermost frame first, where the recording has it (`strace -k`) */
  readonly stack?: readonly UserFrame[];
}
