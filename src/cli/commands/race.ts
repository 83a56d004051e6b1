/** `ebpf-emu race`: programs at the same time, in every order of few switches. */
import {
  explore,
  makeRace,
  type Played,
  play,
  type Race,
  readSchedule,
  scheduleText,
  type Verdict,
} from '../../race/index.ts';
import { UserError } from '../errors.ts';
import { readData } from '../files.ts';
import { loadOptions } from '../loading.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { print } from '../terminal.ts';

export interface RaceOptions extends KernelOptions {
  readonly program?: readonly string[];
  readonly switches: number;
  readonly schedules: number;
  readonly schedule?: string;
  readonly dataIn?: string;
  readonly json?: boolean;
}

/** bytes of a packet that nobody gives */
const PACKET = 64;
/** exit code of a race that went wrong */
const WRONG = 1;
/** lines of an end that are printed */
const MOST_LINES = 20;
const PACKETS = /^(xdp|sched_cls|sched_act|socket_filter|cgroup_skb|lwt_\w+|sk_skb)$/;

export async function race(file: string, options: RaceOptions): Promise<void> {
  // as many CPUs as programs, which are known when the object is open
  const probe = await boot({ ...options, engine: 'step' });
  const object = await openInput(file, probe, options);
  const all = object.programs.map(({ name }) => name);
  const given = options.program ?? all;
  const names = given.length === 1 ? [given[0] as string, given[0] as string] : given;
  if (names.length === 0) throw new UserError(`${file} has no program`);
  const kernel = await boot({ ...options, engine: 'step', cpus: Math.max(names.length, options.cpus ?? 1) });
  const loaded = object.load(kernel, { ...loadOptions(object, options), programs: [...new Set(names)] });
  const isPacket = names.some((name) => PACKETS.test(loaded.programs[name]?.handle.type ?? ''));
  const packet = options.dataIn === undefined ? new Uint8Array(PACKET) : readData(options.dataIn);
  const setting = makeRace(kernel, loaded, names, isPacket ? { dataIn: packet } : {});
  if (options.schedule !== undefined) {
    replay(setting, options);
    return;
  }
  const verdict = explore(setting, { switches: options.switches, schedules: options.schedules });
  if (options.json) print(`${JSON.stringify(model(setting, verdict), null, 2)}\n`);
  else report(file, setting, verdict, options);
  if (verdict.finding) process.exitCode = WRONG;
}

function replay(setting: Race, { schedule = '' }: RaceOptions): void {
  const read = readSchedule(schedule, setting.threads.length);
  if (read === undefined)
    throw new UserError(
      `--schedule ${schedule}: it reads PROGRAM[:POINTS],..., programs from 0 to ${setting.threads.length - 1}: 0:3,1,0`,
    );
  print(`${told(setting, play(setting, read)).join('\n')}\n`);
  const { state, assertFailed } = setting.end();
  print(`${['left:', ...state.slice(0, MOST_LINES).map((line) => `  ${line}`)].join('\n')}\n`);
  if (assertFailed !== undefined) print(`  assert_failed = ${assertFailed}\n`);
}

/** What each segment came to, the program's instructions with the C line that they are of. */
function told({ racers }: Race, played: readonly Played[]): string[] {
  return played.flatMap(({ segment, points, ended }) => {
    const racer = racers[segment.thread];
    const end = { point: 'switched', end: 'returns', spins: 'waits for a lock', fault: 'faults' }[ended];
    return [
      `CPU ${racer?.cpu} ${racer?.name}`,
      ...points.map(
        ({ slot, text, source }) => `  ${String(slot).padStart(4)}: ${text}${source ? `   ; ${source}` : ''}`,
      ),
      `        ${end}`,
    ];
  });
}

function report(file: string, setting: Race, verdict: Verdict, options: RaceOptions): void {
  const { racers, kernel, threads } = setting;
  const { finding, schedules, serial, isPartial } = verdict;
  const lines = [`race    ${racers.map(({ name, cpu }) => `${name} on CPU ${cpu}`).join(', ')}`];
  lines.push(
    `tried   ${schedules} schedules of at most ${finding?.switches ?? options.switches} switches in the middle of a program`,
  );
  if (isPartial) lines.push(`        there are more: --schedules ${options.schedules * 10}`);
  lines.push(`serial  ${serial.length} end${serial.length === 1 ? '' : 's'} of the programs one after the other`);
  if (!finding) {
    lines.push(isPartial ? 'nothing went wrong so far' : 'nothing goes wrong');
    const [first] = racers;
    if (!options.program && first) lines.push(`each program ran once; against itself: -p ${first.name},${first.name}`);
    print(`${lines.join('\n')}\n`);
    return;
  }
  const { wrong, schedule } = finding;
  if (wrong.kind === 'lost update') {
    const expected = serial[0] ?? [];
    const differs = wrong.state.filter((line) => serial.every((end) => !end.includes(line)));
    const gone = expected.filter((line) => !wrong.state.includes(line));
    lines.push('lost update: no order of the programs one after the other ends like this');
    for (const line of (differs.length > 0 ? differs : wrong.state).slice(0, MOST_LINES)) lines.push(`  ${line}`);
    if (gone.length > 0) lines.push('one after the other:', ...gone.slice(0, MOST_LINES).map((line) => `  ${line}`));
  } else if (wrong.kind === 'assertion') lines.push(`assertion: assert_failed = ${wrong.value}`);
  else if (wrong.kind === 'deadlock') lines.push('deadlock: each waits for a lock of another one');
  else lines.push(`fault: ${wrong.text.split('\n')[0]}`);
  const mark = { kernel: kernel.save(), threads: threads.map((thread) => thread.save()) };
  lines.push('shortest schedule:', ...told(setting, play(setting, schedule)).map((line) => `  ${line}`));
  kernel.restore(mark.kernel);
  threads.forEach((thread, n) => void thread.restore(mark.threads[n]));
  const chosen = options.program ? ` -p ${options.program.join(',')}` : '';
  lines.push(`again:  ebpf-emu race ${file}${chosen} --schedule ${scheduleText(schedule)}`);
  print(`${lines.join('\n')}\n`);
}

const model = ({ racers }: Race, { finding, schedules, serial, isPartial }: Verdict): object => ({
  programs: racers,
  schedules,
  serial,
  complete: !isPartial,
  ...(finding ? { ...finding, schedule: scheduleText(finding.schedule) } : {}),
});
