/** Views of a session as text beside the test: what each pane is given at three places of a program's way. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  bpfView,
  callsView,
  eventView,
  journeyView,
  mapsView,
  registersView,
  Session,
  type SessionContext,
  sourceView,
  stackView,
  traceView,
  verifierView,
  x86View,
} from '../../src/debug/index.ts';
import { formatAddr } from '../../src/machine/addr.ts';
import { readStrace } from '../../src/replay/index.ts';
import { matchGolden } from '../support/golden.ts';
import { openSession } from './support.ts';

/** Which number a hypercall has is no matter of the views. */
const maskHypercalls = (text: string): string => text.replace(/(mov +\$0x)[0-9a-f]+(,%eax\n.*vmcall)/g, '$1··$2');

const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

/** Rows around the current one. */
const around = <T>(rows: readonly T[], current: number, n = 3): readonly T[] =>
  rows.slice(Math.max(0, current - n), Math.max(0, current) + n + 1);
const mark = (row: { readonly current: boolean; readonly breakpoint: boolean }): string =>
  `${row.breakpoint ? 'b' : ' '}${row.current ? '>' : ' '}`;

function text(session: SessionContext): string {
  const { stop } = session;
  const out: string[] = [`== ${stop.count} ${stop.place.symbol} ${stop.task.comm}`];
  const event = eventView(session);
  out.push(`event: ${event.call}(${event.args.join(', ')}) = ${event.result}`);
  out.push(
    `journey: ${journeyView(session)
      .map((j) => (j.state === 'here' ? `[${j.label}]` : j.label))
      .join(' ')}`,
  );
  const source = sourceView(session);
  for (const r of around(source?.rows ?? [], source?.current ?? 0)) out.push(`source${mark(r)} ${r.line} ${r.text}`);
  const bpf = bpfView(session);
  for (const r of around(bpf?.rows ?? [], bpf?.current ?? 0)) out.push(`bpf${mark(r)} ${r.slot}: ${r.text}`);
  const x86 = x86View(session);
  out.push(`x86: ${x86.name}`);
  for (const r of around(x86.rows, x86.current))
    out.push(`x86${mark(r)} ${formatAddr(r.address)} ${r.slot ?? ''} ${r.text}`);
  const registers = registersView(session);
  for (const r of registers.bpf ?? registers.x86.slice(0, 8))
    out.push(`${r.name}${r.changed ? '*' : ' '} ${r.hex} ${r.follow ?? ''}`.trimEnd());
  out.push(`flags ${registers.flags}`);
  for (const r of stackView(session, 5)) out.push(`stack ${r.hex} ${r.slot ?? ''} ${r.follow ?? ''}`.trimEnd());
  for (const m of mapsView(session))
    out.push(
      `map ${m.name} ${m.type} ${m.entries.map((e) => `${e.key}: ${e.value}`).join(', ')} ${m.note ?? ''}`.trimEnd(),
    );
  for (const c of callsView(session)) out.push(`call ${c.world} ${c.symbol} ${c.source?.line ?? ''}`.trimEnd());
  for (const r of verifierView(session)?.rows ?? [])
    out.push(`verifier ${r.name} ${r.states.join(' | ')} ${r.value ?? ''} ${r.allowed ?? ''}`.trimEnd());
  for (const l of traceView(session, 2)) out.push(`trace ${l.count} ${l.text}`);
  return out.join('\n');
}

it('shows what the golden text says, in the image, in a helper, and in the kernel on the way', async () => {
  const trace = readStrace(fixture('traces/python3.strace').toString()).trace;
  const session = await Session.open({
    object: fixture('opens.o'),
    name: 'opens.o',
    recording: { ...trace, steps: [...trace.steps] },
    source: () => fixture('opens.c').toString(),
  });
  const out: string[] = [text(session)];
  session.breakpoints.add({ kind: 'line', line: 26 });
  await session.move({ kind: 'continue' });
  out.push(text(session));
  await session.move({ kind: 'station' });
  out.push(text(session));
  await session.move({ kind: 'station', back: true });
  for (let n = 0; n < 3; n++) await session.move({ kind: 'finish' });
  out.push(text(session));
  for (const row of verifierView(session)?.rows ?? []) expect(row.allowed).not.toBe(false);
  session.close();
  matchGolden(new URL('golden/views.txt', import.meta.url), maskHypercalls(`${out.join('\n\n')}\n`));
});

it('no value of a whole run lies outside of what the verifier knew of it', async () => {
  const trace = readStrace(fixture('traces/python3.strace').toString()).trace;
  const session = await Session.open({
    object: fixture('opens.o'),
    name: 'opens.o',
    recording: {
      ...trace,
      steps: Array.isArray(trace.steps) ? trace.steps.slice(0, 40) : [...trace.steps].slice(0, 40),
    },
  });
  let checked = 0;
  for (let n = 0; n < 120; n++) {
    const { reason } = await session.move({ kind: 'step', unit: 'bpf' });
    if (reason !== 'step') break;
    for (const row of verifierView(session)?.rows ?? []) {
      expect(row.allowed, `${session.stop.place.slot} ${row.name} ${row.states} ${row.value}`).not.toBe(false);
      if (row.allowed === true) checked++;
    }
  }
  expect(checked).toBeGreaterThan(50);
  session.close();
});

it('a map of stack traces shows functions, the innermost first', async () => {
  const session = await openSession('stacks/kstack.bpf.o', {
    recording: readStrace(fixture('stacks/kstack.strace').toString()).trace,
  });
  await session.move({ kind: 'end' });
  const { entries } = mapsView(session).find(({ name }) => name === 'stacks')!;
  expect(entries.length).toBeGreaterThan(3);
  for (const { value } of entries)
    expect(value).toMatch(
      /^"\w[\w.]*\+0x[0-9a-f]+( < \w[\w.]*\+0x[0-9a-f]+)* < entry_SYSCALL_64_after_hwframe\+0x[0-9a-f]+"$/,
    );
  session.close();
});
