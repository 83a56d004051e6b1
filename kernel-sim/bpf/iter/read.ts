/** Reading an iterator to its end, as cat(1) does. */
import { concatBytes } from '../../../src/platform/index.ts';
import { errnoName } from '../../core/errno.ts';
import type { BpfLink } from '../attach/link.ts';
import { BpfError } from '../errors.ts';

/** bytes that one read(2) asks for */
const CHUNK = 131_072;

/** @throws BpfError */
export function readIterator(link: BpfLink): Uint8Array {
  const iterator = link.iterator();
  if (iterator?.read === undefined)
    throw new BpfError('BPF_ITER_CREATE', 'EINVAL', `the link is of kind ${link.kind.name}, not iter`);
  const parts: Uint8Array[] = [];
  try {
    for (;;) {
      const got = iterator.read(CHUNK);
      if (typeof got === 'number') throw new BpfError('read', errnoName(got) as never, 'the iterator cannot go on');
      if (got.length === 0) break;
      parts.push(got);
    }
  } finally {
    iterator.release?.();
  }
  return concatBytes(parts);
}
