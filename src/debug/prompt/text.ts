/** What the prompt writes: stops and views as lines of text. */
import { addrFromBigInt, formatAddr } from '../../machine/addr.ts';
import { parseBreakpoint } from '../breakpoints/parse.ts';
import type { Breakpoint } from '../breakpoints/types.ts';
import { DebugError } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import type { Stop } from '../session/types.ts';
import { changeText } from '../time/changes.ts';
import { bpfView } from '../views/bpf.ts';
import { type CallRow, callsView } from '../views/calls.ts';
import type { ProgramSlot } from '../views/current.ts';
import { eventView } from '../views/events.ts';
import { mapsView } from '../views/maps.ts';
import { patchesView } from '../views/patches.ts';
import { programsView } from '../views/programs.ts';
import { registersView } from '../views/registers.ts';
import { sourceView } from '../views/source.ts';
import { x86View } from '../views/x86.ts';

/** Where it stopped: the reason, the place, and the line or instruction that comes next. */
export function stopText(session: SessionContext, stop: Stop): string {
  const { place, task, breakpoint, change } = stop;
  const out: string[] = [...stop.logged];
  if (breakpoint !== undefined)
    out.push(`${stop.reason === 'watchpoint' ? 'Watchpoint' : 'Breakpoint'} ${breakpoint.id}, ${breakpoint.text}`);
  else if (stop.reason === 'end') out.push('[the recording ends here]');
  else if (stop.reason === 'begin') out.push('[the recording begins here]');
  else if (stop.reason === 'interrupted') out.push('[interrupted]');
  if (change !== undefined) out.push(`Old value = ${change.from}`, `New value = ${change.to}`);
  const station = stop.station === undefined ? '' : ` [${stop.station}]`;
  out.push(`${place.symbol} in ${task.comm} (${task.pid}), instruction ${stop.count}${station}`);
  if (place.source !== undefined) out.push(`${place.source.line}\t${place.source.text}`);
  if (place.program !== undefined) {
    const row = bpfView(session)?.rows.find((r) => r.current);
    if (row !== undefined) out.push(`${place.program}@${row.slot}\t${row.text}`);
  }
  const view = x86View(session);
  const x86 = view.rows[view.current];
  if (x86 !== undefined && (place.program === undefined || place.source === undefined))
    out.push(`=> ${formatAddr(x86.address)}\t${x86.text}`);
  return out.join('\n');
}

const LIST_LINES = 10;

/** C lines around the selected frame's; `where`: around another, of its file, or of a function. @throws DebugError */
export function listText(session: SessionContext, where?: string): string {
  const view = sourceView(session, where === undefined ? undefined : placeOf(session, where));
  if (view === undefined) return 'no program here has line information';
  const line = where === undefined ? undefined : /\d+$/.exec(where)?.[0];
  const at = line === undefined ? view.current : view.rows.findIndex((r) => r.line >= Number(line));
  if (line !== undefined && at < 0) throw new DebugError(`${view.file} has no line ${line}`);
  const from = Math.max(0, Math.max(at, 0) - LIST_LINES / 2);
  return view.rows
    .slice(from, from + LIST_LINES)
    .map((r) => `${r.breakpoint ? 'b' : ' '}${r.current ? '>' : ' '} ${r.line}\t${r.text}`)
    .join('\n');
}

/** Where a function of a program begins, or the first code of a file; undefined: where it stands. @throws DebugError */
function placeOf(session: SessionContext, where: string): ProgramSlot | undefined {
  if (/^\d+$/.test(where)) return undefined;
  const { at } = parseBreakpoint(where);
  if (at.kind !== 'line' && at.kind !== 'function')
    throw new DebugError(`list LINE, FILE:LINE or FUNCTION, not '${where}'`);
  const [address] = session.breakpoints.placesOf(at);
  const image = address === undefined ? undefined : session.programs.at(address);
  if (image === undefined) throw new DebugError(`${where} is in no program here: only they have C lines`);
  return { program: image.program.name, slot: image.slot };
}

/** The selected frame: its number, place and line. */
export function frameText(session: SessionContext): string {
  const row = callsView(session)[session.selected];
  if (row === undefined) return 'no frame';
  const { source } = row;
  const line = source === undefined ? '' : `\n${source.line}\t${source.text}`;
  return `${callText(row, session.selected)}${line}`;
}

/** What an address is of. @throws DebugError */
export function symbolText(session: SessionContext, expression: string): string {
  if (expression === '') throw new DebugError('info symbol EXPRESSION');
  const { bits } = session.evaluate(expression);
  return session.follow(bits) ?? `nothing here begins before ${formatAddr(addrFromBigInt(bits))}`;
}

/** The code of a C line: this one's, or that of a place as break takes it. @throws DebugError */
export function lineText(session: SessionContext, where: string): string {
  const view = sourceView(session, where === '' ? undefined : placeOf(session, where));
  const row = view?.rows[view.current];
  const program = view && session.programs.named(view.program);
  if (view === undefined || row === undefined || program === undefined) return 'no C line here';
  const at = row.slots.map((slot) => formatAddr(program.address(slot) ?? 0));
  return `line ${row.line} of ${view.file}: ${view.program}@${row.slots.join(' @')}, at ${at.join(' ')}`;
}

export function disassembleText(session: SessionContext, what: 'bpf' | 'x86'): string {
  if (what === 'bpf') {
    const rows = bpfView(session)?.rows ?? [];
    return rows
      .flatMap((r) => [
        ...(r.source ? [`; ${r.source.text}`] : []),
        `${r.breakpoint ? 'b' : ' '}${r.current ? '>' : ' '} ${String(r.slot).padStart(4)}: ${r.text}`,
      ])
      .join('\n');
  }
  const view = x86View(session);
  const from = Math.max(0, view.current - 12);
  return [
    `${view.name}:`,
    ...view.rows
      .slice(from, from + 28)
      .map(
        (r) =>
          `${r.breakpoint ? 'b' : ' '}${r.current ? '>' : ' '} ${formatAddr(r.address)} ${(r.slot === undefined ? '' : `@${r.slot}`).padEnd(5)} ${r.text}`,
      ),
  ].join('\n');
}

export function registersText(session: SessionContext): string {
  const view = registersView(session);
  const row = (r: { name: string; hex: string; changed: boolean; follow: string | undefined }): string =>
    `${r.name.padEnd(4)}${r.changed ? '*' : ' '} ${r.hex}${r.follow === undefined ? '' : `  ${r.follow}`}`;
  return [...(view.bpf ?? []), ...view.x86, view.rip].map(row).concat(`flags ${view.flags}`).join('\n');
}

const callText = (c: CallRow, n: number): string =>
  `#${String(n).padEnd(2)} ${c.symbol}${c.source === undefined ? '' : ` at ${c.source.file}:${c.source.line}`} [${c.world}]`;
/** @param most how many of the innermost frames */
export function callsText(session: SessionContext, most = Number.POSITIVE_INFINITY): string {
  const rows = callsView(session).map(callText);
  return [...rows.slice(0, most), ...(rows.length > most ? ['(More stack frames follow...)'] : [])].join('\n');
}

export const mapsText = (session: SessionContext): string =>
  mapsView(session)
    .flatMap((m) => [
      `${m.name}: ${m.type}, key ${m.keySize}, value ${m.valueSize}, ${m.maxEntries} max${m.note === undefined ? '' : ` (${m.note})`}`,
      ...m.entries.map((e) => `  [${e.key}] = ${e.value}`),
      ...(m.more ? ['  …'] : []),
    ])
    .join('\n');

export const breakpointsText = ({ breakpoints }: SessionContext): string =>
  pointsText(breakpoints.list, 'no breakpoints');
export const watchpointsText = ({ breakpoints }: SessionContext): string =>
  pointsText(
    breakpoints.list.filter(({ at }) => at.kind === 'memory' || at.kind === 'expression'),
    'no watchpoints',
  );

const pointsText = (points: readonly Breakpoint[], none: string): string =>
  points.length === 0
    ? none
    : points
        .map((b) => {
          const where = b.addresses.map(formatAddr).join(' ');
          const condition = b.condition === undefined ? '' : ` if ${b.condition}`;
          return `${b.id} ${b.enabled ? 'y' : 'n'} ${b.text}${condition}${where === '' ? '' : ` at ${where}`}, hit ${b.hits} times`;
        })
        .join('\n');

export const tasksText = ({ kernel }: SessionContext): string =>
  [...kernel.tasks.all()]
    .map(
      (t) =>
        `${t === kernel.tasks.current ? '*' : ' '} ${String(t.pid).padStart(6)} ${t.comm}${t.call === undefined ? '' : ` in ${t.call.name}`}`,
    )
    .join('\n');

export const progsText = (session: SessionContext): string =>
  programsView(session)
    .map(
      (p) =>
        `${p.name}: ${p.type}, SEC("${p.section}"), tag ${p.tag}, ${p.insns} instructions, ${p.xlated} xlated, ${p.bytes} bytes at ${p.address.toString(16)}${p.probes.length === 0 ? '' : `, attached at ${p.probes.join(' ')}`}`,
    )
    .join('\n');

/** The recording's own line of what runs. */
export function eventsText(session: SessionContext): string {
  const { comm, pid, call, args, result } = eventView(session);
  const now = call === undefined ? 'between two system calls' : `${call}(${args.join(', ')}) = ${result ?? '?'}`;
  return `${comm} (${pid}), call ${session.stop.calls}: ${now}`;
}

/** Variables of the function that runs; `parameters`: those that it was called with. */
export function localsText(session: SessionContext, parameters: boolean): string {
  if (session.frames[session.selected]?.place.program === undefined) return 'no program runs here: no locals';
  const all = session.locals.list().filter((l) => l.isParameter === parameters);
  if (all.length === 0) return parameters ? 'no arguments' : 'no locals';
  const own = session.locals.list().at(-1)?.function;
  return all
    .map((l) => {
      const of = l.function === own ? '' : ` [inlined ${l.function}]`;
      return `${l.name} = ${l.value === undefined ? `<${l.why}>` : session.show(l.value).text}${of}`;
    })
    .join('\n');
}

/** What attaching wrote into the kernel's text. */
export function probesText(session: SessionContext): string {
  const rows = patchesView(session);
  if (rows.length === 0) return 'nothing is patched';
  return rows
    .map((r) => {
      const list = (insns: readonly { readonly text: string }[]): string => insns.map((i) => i.text).join('; ');
      const why = r.unreached === undefined ? '' : ` (${r.unreached})`;
      return `${r.program}: ${r.kind} on ${r.symbol} at ${formatAddr(r.address)} by ${r.via}${why}\n  before  ${list(r.before)}\n  after   ${list(r.after)}`;
    })
    .join('\n');
}

/** What was set, and when. */
export const changesText = ({ timeline }: SessionContext): string =>
  timeline.changes.list.length === 0
    ? 'nothing was set'
    : timeline.changes.list.map(({ count, change }) => `instruction ${count}: ${changeText(change)}`).join('\n');
