/** What bpftool reads of an object beside its information: the lines of /proc/PID/fdinfo/N. */

/** `memlock:\t4096` → `4096`; undefined where there is no such line. */
export const fdinfoField = (object: { fdinfo(): string }, name: string): string | undefined =>
  new RegExp(`^${name}:\\t(.*)$`, 'm').exec(object.fdinfo())?.[1];
