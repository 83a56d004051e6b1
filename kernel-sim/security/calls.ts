/** What the running call was given, as the recording shows it. */
import type { ObjectFloor } from '../floors/objects.ts';

export interface Given {
  /** an argument as a number; 0 where it is none */
  int(n: number): number;
  /** the text of an argument that strace shows decoded; '' where it does not */
  text(n: number): string;
  /** bytes of a string or of memory */
  bytes(n: number): Uint8Array | undefined;
}

export function givenTo({ tasks }: ObjectFloor): Given {
  const arg = (n: number) => tasks.current.call?.args[n];
  return {
    int: (n) => {
      const a = arg(n);
      return a?.kind === 'int' ? a.lo : 0;
    },
    text: (n) => {
      const a = arg(n);
      return a?.kind === 'opaque' ? a.text : '';
    },
    bytes: (n) => {
      const a = arg(n);
      return a?.kind === 'string' || a?.kind === 'bytes' ? a.bytes : undefined;
    },
  };
}
