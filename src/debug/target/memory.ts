/** Guest memory as debuggers from outside read and write it. */
import type { Addr } from '../../machine/addr.ts';
import { PAGE_SIZE } from '../../machine/layout.ts';
import type { SessionContext } from '../session/context.ts';

/** As many bytes as are mapped from `at` on, up to `bytes`; kernel text also where nothing has executed it yet. */
export function readMemory(session: SessionContext, at: Addr, bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let done = 0; done < bytes; ) {
    const here = at + done;
    const inPage = Math.min(bytes - done, PAGE_SIZE - (((here % PAGE_SIZE) + PAGE_SIZE) % PAGE_SIZE));
    const part = session.scope.memory.read(here, inPage) ?? unwritten(session, here, inPage);
    if (part === undefined) return out.subarray(0, done);
    out.set(part, done);
    done += inPage;
  }
  return out;
}

/** Kernel text is written when it is first executed: looking at it earlier leaves no trace of it. */
function unwritten({ kernel, scope, peek }: SessionContext, at: Addr, bytes: number): Uint8Array | undefined {
  if (at >= 0 || kernel.symbols.at(at) === undefined) return undefined;
  return peek(() => {
    kernel.text.ensure(at, bytes);
    return scope.memory.read(at, bytes);
  });
}

/** Whatever the protection says; code that it changes is executed as it is now. @throws DebugError where nothing is mapped */
export function writeMemory(session: SessionContext, at: Addr, bytes: Uint8Array): void {
  session.change([{ kind: 'memory', address: at, bytes: bytes.slice() }]);
}
