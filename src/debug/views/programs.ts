/** The programs of the object as the kernel has them: type, size, image, where they are attached. */
import { addrToBigInt } from '../../machine/addr.ts';
import { progTypeName } from '../../uapi/index.ts';
import type { SessionContext } from '../session/context.ts';
import { probesOf } from '../session/stations.ts';

export interface ProgramRow {
  readonly name: string;
  /** `kprobe`, `xdp` ... */
  readonly type: string;
  readonly section: string;
  /** of its instructions (SHA-1's first 8 bytes), as in its symbol */
  readonly tag: string;
  /** slots as loaded, and as the verifier made of them */
  readonly insns: number;
  readonly xlated: number;
  readonly address: bigint;
  readonly bytes: number;
  /** places in the kernel's text that lead to it */
  readonly probes: readonly string[];
  /** symbols of its image */
  readonly functions: readonly string[];
}

export function programsView({ programs, links, places }: SessionContext): ProgramRow[] {
  return programs.list.map(({ name, view, loaded }): ProgramRow => {
    const { prog } = loaded.handle;
    const mine = links.filter((l) => l.program === name);
    return {
      name,
      type: progTypeName(prog.type),
      section: loaded.definition.rawSectionName,
      tag: prog.init.tag,
      insns: prog.init.loaded.length,
      xlated: view.xlated.length / 8,
      address: addrToBigInt(view.functions[0]?.address ?? 0),
      bytes: view.functions.reduce((sum, f) => sum + f.bytes.length, 0),
      probes: mine.flatMap((l) => probesOf(l).map((p) => places.name(p.address))),
      functions: view.functions.map((f) => f.name),
    };
  });
}
