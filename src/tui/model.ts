/** What the panes are given of a session: its views, each made when the first pane asks for it. */
import {
  type BpfView,
  bpfView,
  type CallRow,
  callsView,
  type EventView,
  eventView,
  type JourneyStop,
  journeyView,
  type MapTable,
  mapsView,
  momentView,
  type PatchRow,
  patchesView,
  type RegistersView,
  registersView,
  type SessionContext,
  type SourceView,
  type StackRow,
  type Stop,
  sourceView,
  stackView,
  type TraceLine,
  traceView,
  type VerifierView,
  verifierView,
  type X86View,
  x86View,
} from '../debug/index.ts';
import { lazy } from './lazy.ts';

export interface Model {
  /** `hello.o` */
  readonly name: string;
  readonly stop: Stop;
  /** functions that programs are attached to */
  readonly attached: string;
  readonly moment: string;
  readonly journey: readonly JourneyStop[];
  readonly source: SourceView | undefined;
  readonly bpf: BpfView | undefined;
  readonly x86: X86View;
  /** machine code of the program, wherever the CPU is */
  readonly image: X86View | undefined;
  readonly registers: RegistersView;
  readonly stack: readonly StackRow[];
  readonly maps: readonly MapTable[];
  readonly trace: readonly TraceLine[];
  /** trace_pipe where it stood before */
  readonly traceBefore: number;
  readonly calls: readonly CallRow[];
  /** which of them the code panes are about */
  readonly selected: number;
  readonly verifier: VerifierView | undefined;
  readonly event: EventView;
  readonly patches: readonly PatchRow[];
}

/** @param at an address whose function the x86 pane shows, in place of where the CPU is */
export function modelOf(session: SessionContext, name: string, traceBefore: number, at?: number): Model {
  return lazy<Model>({
    name: () => name,
    stop: () => session.stop,
    attached: () => session.links.map((l) => `${l.method}/${l.target}`).join(' '),
    moment: () => momentView(session),
    journey: () => journeyView(session),
    source: () => sourceView(session),
    bpf: () => bpfView(session),
    x86: () => x86View(session, at === undefined ? {} : { at }),
    image: () => imageOf(session),
    registers: () => registersView(session),
    stack: () => stackView(session),
    maps: () => mapsView(session),
    trace: () => traceView(session),
    traceBefore: () => traceBefore,
    calls: () => callsView(session),
    selected: () => session.selected,
    verifier: () => verifierView(session),
    event: () => eventView(session),
    patches: () => patchesView(session),
  });
}

function imageOf(session: SessionContext): X86View | undefined {
  const { stop, programs } = session;
  const program = programs.named(stop.place.program ?? bpfView(session)?.program ?? '') ?? programs.list[0];
  const at = program?.view.functions[0]?.address;
  return at === undefined
    ? undefined
    : x86View(session, { at: programs.at(session.kernel.cpu.rip) === undefined ? at : session.kernel.cpu.rip });
}
