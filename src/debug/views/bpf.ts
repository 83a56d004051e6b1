/** Instructions of the current program as it runs, the C line above those that begin one. */

import type { SourceLine } from '../program/source.ts';
import { xlatedLines } from '../program/xlated-lines.ts';
import type { SessionContext } from '../session/context.ts';
import { currentProgram, currentSlot } from './current.ts';

export interface BpfRow {
  readonly slot: number;
  readonly text: string;
  /** of one slot, or of the two of a wide load */
  readonly bytes: Uint8Array;
  /** line that begins here */
  readonly source: SourceLine | undefined;
  /** of the function that begins here */
  readonly signature: string | undefined;
  readonly current: boolean;
  readonly breakpoint: boolean;
}

export interface BpfView {
  readonly program: string;
  readonly rows: readonly BpfRow[];
  /** index of the current row, -1 where the program is not running */
  readonly current: number;
}

export function bpfView(session: SessionContext): BpfView | undefined {
  const program = currentProgram(session);
  if (program === undefined) return undefined;
  const at = currentSlot(session);
  const slot = at?.program === program.name ? at.slot : -1;
  const points = new Set(session.breakpoints.addresses);
  const rows = xlatedLines(program.view).map((line): BpfRow => {
    const address = program.address(line.slot);
    return {
      slot: line.slot,
      text: line.text,
      bytes: line.bytes,
      source: line.source,
      signature: line.signature,
      current: line.slot === slot,
      breakpoint: address !== undefined && points.has(address),
    };
  });
  return { program: program.name, rows, current: rows.findIndex((r) => r.current) };
}
