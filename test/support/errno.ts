/** What bpf(2) says: the errno of what an action throws, 'OK' where it does not. */
import { BpfError } from '../../src/index.ts';

export function errno(action: () => unknown): string {
  try {
    action();
    return 'OK';
  } catch (error) {
    if (error instanceof BpfError) return error.errno;
    throw error;
  }
}
