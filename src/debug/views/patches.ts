/** What attaching the programs wrote into text: the bytes before and after, as a listing of each. */
import type { Addr } from '../../machine/addr.ts';
import { listInsns } from '../../x86/index.ts';
import type { SessionContext } from '../session/context.ts';
import { probesOf } from '../session/stations.ts';

export interface PatchedInsn {
  readonly bytes: Uint8Array;
  readonly text: string;
}

export interface PatchRow {
  readonly program: string;
  /** `kprobe`, `tracepoint` ... */
  readonly kind: string;
  /** function, or `category:event` */
  readonly symbol: string;
  readonly address: Addr;
  /** `ftrace`, `int3`, `direct`, `static_key` */
  readonly via: string;
  readonly before: readonly PatchedInsn[];
  readonly after: readonly PatchedInsn[];
  /** why nothing reaches it */
  readonly unreached: string | undefined;
}

export function patchesView(session: SessionContext): PatchRow[] {
  return session.links.flatMap((link) =>
    probesOf(link).map((probe): PatchRow => {
      const { kind, symbol, address, via, before, after, unreached } = probe;
      const list = (bytes: Uint8Array): PatchedInsn[] => listing(session, bytes, address);
      return { program: link.program, kind, symbol, address, via, before: list(before), after: list(after), unreached };
    }),
  );
}

function listing({ places, kernel }: SessionContext, bytes: Uint8Array, address: Addr): PatchedInsn[] {
  const symbol = (to: Addr): string | undefined => (kernel.symbols.at(to) === undefined ? undefined : places.name(to));
  return listInsns(bytes, { address, symbol }).map(({ bytes: own, text }) => ({ bytes: own, text }));
}
