/** connect(2) against what Linux's function tracer showed of it: golden/tcp-connect.txt. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Kernel, type TraceStep } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { program } from '../support/programs.ts';

const golden = readFileSync(new URL('../golden/tcp-connect.txt', import.meta.url), 'utf8');
/** Lines of one part of the golden. */
const part = (name: string): string[] => {
  const lines = golden.split('\n');
  const from = lines.indexOf(`${name}:`) + 1;
  const rest = lines.slice(from);
  return rest
    .slice(
      0,
      rest.findIndex((l) => !l.startsWith('  ')),
    )
    .map((l) => l.trim());
};
const FUNCTIONS = [...new Set(golden.match(/^ {2}\w+$/gm)?.map((l) => l.trim()))];
/** include/linux/preempt.h: SOFTIRQ_OFFSET */
const SERVING_SOFTIRQ = 0x100;
const STATES: Readonly<Record<number, string>> = { 1: 'TCP_ESTABLISHED', 2: 'TCP_SYN_SENT', 7: 'TCP_CLOSE' };

/** What a recording's calls pass through, from `connect` on. */
async function passed(text: string): Promise<string[]> {
  const k = await Kernel.boot({ engine: 'step' });
  const seen: string[] = [];
  for (const symbol of FUNCTIONS)
    k.probes.kprobe(
      program(k, symbol, () => {
        // what a softirq does meanwhile is not the call's
        if ((k.context.preemptCount & SERVING_SOFTIRQ) === 0) seen.push(symbol);
      }),
      { symbol },
    );
  k.probes.tracepoint(
    program(k, 'state', () => {
      const at = k.args.addr(0);
      const [from, to] = [k.memory.readS32(at + 16), k.memory.readS32(at + 20)];
      seen.push(`state ${STATES[from]} -> ${STATES[to]}, sport ${k.memory.readU16(at + 24) === 0 ? 0 : 'N'}`);
    }),
    'sock',
    'inet_sock_set_state',
  );
  const steps = [...readStrace(text).trace.steps] as TraceStep[];
  expect(await k.replay({ tasks: [{ pid: 7, comm: 'conn' }], steps })).toMatchObject({
    oopses: [],
    stopped: undefined,
  });
  return seen;
}
const socket = '7 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3\n';
const connect = (result: string) =>
  `7 connect(3, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, 16) = ${result}\n`;

describe('connect', () => {
  it.each([
    ['blocking ok', '0'],
    ['blocking refused', '-1 ECONNREFUSED (Connection refused)'],
    ['unreach', '-1 ENETUNREACH (Network is unreachable)'],
  ])('%s passes through the kernel’s functions', async (name, result) => {
    expect(await passed(socket + connect(result))).toEqual(part(name));
  });

  it('of a connected socket begins nothing', async () => {
    const twice = await passed(socket + connect('0') + connect('-1 EISCONN (Transport endpoint is already connected)'));
    expect(twice.slice(part('blocking ok').length)).toEqual(part('again'));
  });

  it.each([
    ['[0]', 'TCP_ESTABLISHED'],
    ['[ECONNREFUSED]', 'TCP_CLOSE'],
  ])('that does not wait has its answer when SO_ERROR %s tells it', async (error, state) => {
    const seen = await passed(
      `${socket}${connect('-1 EINPROGRESS (Operation now in progress)')}7 getsockopt(3, SOL_SOCKET, SO_ERROR, ${error}, [4]) = 0\n`,
    );
    expect(seen.filter((line) => line.startsWith('state'))).toEqual([
      'state TCP_CLOSE -> TCP_SYN_SENT, sport 0',
      `state TCP_SYN_SENT -> ${state}, sport N`,
    ]);
  });

  it('that is given up closes the socket', async () => {
    const seen = await passed(`${socket}${connect('-1 EINPROGRESS (Operation now in progress)')}7 close(3) = 0\n`);
    expect(seen.filter((line) => line.startsWith('state')).at(-1)).toBe('state TCP_SYN_SENT -> TCP_CLOSE, sport N');
  });
});
