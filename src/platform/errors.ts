/** What can go wrong between the core and its host. */
import { EmuError } from '../errors/base.ts';

/** errno of the host's file system → what it means, for people. */
const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'exists already',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the disk or device failed (input/output error)',
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EFBIG: 'the file would be too large for its file system',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open in the system',
  ENXIO: 'no such device or address',
  ENODEV: 'no such device',
  EBUSY: 'the device or file is in use',
  ETXTBSY: 'the file is being executed',
  EINVAL: 'this kind of file cannot be read or written',
  EAGAIN: 'nothing can be read from it now (it does not wait)',
  ESTALE: 'the network file system lost it',
  ETIMEDOUT: 'the network file system does not answer',
  EPIPE: 'nobody reads it',
};

/** Whether an error is one of the host's about files: its errno. */
export const fileErrno = (error: unknown): string | undefined => {
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) && syscall !== undefined ? code : undefined;
};

/** A file that cannot be read or written: which, and why in plain words. */
export class FileError extends EmuError {
  override readonly name = 'FileError';
  readonly path: string;
  /** the host's errno (`'ENOENT'`) */
  readonly errno: string;

  constructor(path: string, errno: string, why = WHY[errno] ?? errno) {
    super('ERR_FILE', `${path}: ${why} (${errno})`, {
      where: path,
      hint: 'check the path, and who may read or write there',
    });
    this.path = path;
    this.errno = errno;
  }

  /** From what the host threw; anything else is given back as it is. */
  static from(error: unknown, path: string): unknown {
    const errno = fileErrno(error);
    return errno === undefined ? error : new FileError(path, errno);
  }
}

/** gzip data that cannot be unpacked. */
export class GzipError extends EmuError {
  override readonly name = 'GzipError';
  /** whether it is sound, but unpacks to more than was allowed */
  readonly tooLong: boolean;

  constructor(why: string, tooLong = false) {
    super('ERR_GZIP', why, { hint: 'give the file unpacked, or fetch it again' });
    this.tooLong = tooLong;
  }

  static tooLong(most: number): GzipError {
    return new GzipError(`it unpacks to more than ${most} bytes`, true);
  }
}
