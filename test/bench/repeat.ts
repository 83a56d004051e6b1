/** `prog run --repeat`: what one run of a small program costs, and one look-up in a map. */
import { BpfObject, Kernel, type Program } from '../../src/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { fixture } from './opens.ts';
import { cpuTime, type Group, median, type Row } from './report.ts';

const ENGINES = ['jit', 'step', 'interp'] as const;
type Engine = (typeof ENGINES)[number];
/** runs of a round: some tenths of a second */
const REPEAT: Readonly<Record<Engine, number>> = { jit: 300_000, step: 50_000, interp: 50_000 };
const ROUNDS = 5;

/** Ethernet, IPv4, UDP to port 9: what fixtures/xdp_count.c counts and drops. */
function packet(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes[12] = 0x08;
  bytes[14] = 0x45;
  bytes[23] = 17;
  bytes[37] = 9;
  return bytes;
}
const DROP = 1;

/** r0 = the packet's length */
const LENGTH = writeInsns(assemble('r0 = *(u32 *)(r1 +0)\nexit').insns);

const CASES: Readonly<Record<string, (kernel: Kernel) => { program: Program; retval: number }>> = {
  'xdp_count: XDP, 64 bytes': (kernel) => {
    const { programs } = BpfObject.open(fixture('xdp_count')).load(kernel);
    return { program: (Object.values(programs)[0] as { handle: Program }).handle, retval: DROP };
  },
  'skb->len: socket filter, 64 bytes': (kernel) => ({
    program: kernel.bpf.progLoad({ type: 'socket_filter', insns: LENGTH, license: 'GPL' }),
    // the Ethernet header is not the filter's
    retval: 64 - 14,
  }),
};

/** Medians of rounds of a program on each engine in turn, in µs of CPU time a run. */
async function perRun(
  make: (kernel: Kernel) => { program: Program; retval: number },
  scale: number,
): Promise<number[]> {
  const dataIn = packet();
  const cases = [];
  for (const engine of ENGINES) {
    const { program, retval } = make(await Kernel.boot({ engine }));
    const repeat = Math.ceil(REPEAT[engine] / scale);
    const round = (): number => {
      const start = cpuTime();
      const result = program.testRun({ dataIn, repeat });
      const us = (cpuTime() - start) / repeat;
      if (result.retval !== retval) throw new Error(`${engine}: it returned ${result.retval}, not ${retval}`);
      return us;
    };
    round();
    cases.push({ round, times: [] as number[] });
  }
  for (let i = 0; i < ROUNDS; i++) for (const { round, times } of cases) times.push(round());
  return cases.map(({ times }) => median(times));
}

const how = `median of ${ROUNDS} rounds, the engines in turn, after one that does not count`;

export const repeat: Group = {
  title: 'prog run --repeat: µs of CPU time a run',
  columns: ENGINES.map((name) => ({ name, digits: 2 })),
  parts: Object.keys(CASES),
  notes: [`${REPEAT.jit} runs a round translated, ${REPEAT.step} else; ${how}`],
  run: async (part): Promise<Row[]> => [{ name: part, values: await perRun(CASES[part] as (typeof CASES)[string], 1) }],
};

const LOOKUPS = 256;
/** Looks up keys 0 to 255, all of which are there, and adds the values up. */
const program = (fd: number): Uint8Array =>
  writeInsns(
    assemble(`
    r6 = 0
    r7 = 0
loop:
    *(u32 *)(r10 -4) = r6
    r2 = r10
    r2 += -4
    r1 = map[id:${fd}]
    call bpf_map_lookup_elem#1
    if r0 == 0x0 goto next
    r1 = *(u64 *)(r0 +0)
    r7 += r1
next:
    r6 += 1
    if r6 < ${LOOKUPS} goto loop
    r0 = r7
    exit
  `).insns,
  );

export const lookups: Group = {
  title: `map look-ups: ns of CPU time each, of ${LOOKUPS} in a loop, the loop around it included`,
  columns: ENGINES.map((name) => ({ name, digits: 1 })),
  parts: ['hash', 'array'],
  notes: [`keys of 4 bytes, values of 8, all keys there; ${how}`],
  async run(type): Promise<Row[]> {
    const times = await perRun((kernel) => {
      const map = kernel.bpf.mapCreate({ type, keySize: 4, valueSize: 8, maxEntries: LOOKUPS });
      for (let key = 0; key < LOOKUPS; key++) map.update(key, key);
      const insns = program(map.fd);
      const sum = (LOOKUPS * (LOOKUPS - 1)) / 2;
      return { program: kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' }), retval: sum };
    }, LOOKUPS / 8);
    return [{ name: `${type} map`, values: times.map((us) => (us * 1000) / LOOKUPS) }];
  },
};
