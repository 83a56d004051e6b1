/** What a message says of a name that there is not. */
import { nearest } from '../errors/near.ts';

/** `; did you mean openat, openat2?`, or nothing where nothing is near */
export const didYouMean = (name: string, names: Iterable<string>): string => {
  const near = nearest(name, names, 3);
  return near.length === 0 ? '' : `; did you mean ${near.join(', ')}?`;
};
