/** The debug adapter by a scripted client: what an editor asks, and what it is answered. */
import { describe, expect, it } from 'vitest';
import { encodeMessage, MessageReader } from '../../../src/protocol/dap/wire.ts';
import { matchGolden } from '../../support/golden.ts';
import { maskHeap } from '../../support/mask-heap.ts';
import { dapClient, fixturePath } from './client.ts';

const source = (name: string) => ({ path: fixturePath(name) });

/** Launches, sets what is to be set, and waits for the first stop. */
async function launched(
  object: string,
  setUp: (client: ReturnType<typeof dapClient>) => Promise<unknown> = async () => {},
  more: object = {},
) {
  const client = dapClient();
  await client.ask('initialize', { adapterID: 'ebpf', linesStartAt1: true, columnsStartAt1: true });
  await client.ask('launch', { program: fixturePath(object), ...more });
  await client.event('initialized');
  await setUp(client);
  await client.ask('configurationDone');
  return { client, stopped: await client.event('stopped') };
}

describe('the debug adapter', () => {
  it('is asked what an editor asks, as the golden transcript has it', async () => {
    const client = dapClient();
    const out: string[] = [];
    const root = fixturePath('');
    const text = (value: unknown): string => maskHeap(JSON.stringify(value, null, 1) ?? '').replaceAll(root, '');
    const ask = async (command: string, args: object = {}) => {
      const { success, body, message } = await client.request(command, args);
      out.push(
        `--> ${command} ${text(args).replace(/\s*\n\s*/g, ' ')}\n<-- ${success ? text(body) : `failed: ${text(message)}`}`,
      );
      return body;
    };
    const stopped = async () => out.push(`<-- stopped ${text(await client.event('stopped'))}\n${client.output()}`);
    await ask('threads');
    await ask('initialize', { adapterID: 'ebpf' });
    await ask('launch', { program: `${root}nothing.o` });
    await ask('launch', { program: fixturePath('opens.o') });
    await client.event('initialized');
    await ask('loadedSources');
    await ask('breakpointLocations', { source: source('opens.c'), line: 1, endLine: 30 });
    await ask('setBreakpoints', {
      source: source('opens.c'),
      breakpoints: [{ line: 23 }, { line: 26, condition: 'pid == 30042' }, { line: 99 }],
    });
    await ask('setFunctionBreakpoints', { breakpoints: [{ name: 'helper map_update_elem' }, { name: 'no_such' }] });
    await ask('setExceptionBreakpoints', { filters: [] });
    await ask('configurationDone');
    await stopped();
    await ask('threads');
    await ask('stackTrace', { threadId: 30042, levels: 20 });
    await ask('stepOut', { threadId: 30042 });
    await stopped();
    await ask('scopes', { frameId: 0 });
    for (const variablesReference of [1, 2, 4, 5, 7]) await ask('variables', { variablesReference });
    await ask('next', { threadId: 30042 });
    await stopped();
    await ask('evaluate', { expression: 'task->real_parent', context: 'hover', frameId: 0 });
    await ask('evaluate', { expression: 'nothing', context: 'watch' });
    await ask('evaluate', { expression: '`when', context: 'repl' });
    await ask('disassemble', { memoryReference: '0xffffffffc0000054', instructionOffset: -2, instructionCount: 6 });
    await ask('readMemory', { memoryReference: '0xffffffff81453d90', count: 8 });
    await ask('readMemory', { memoryReference: '0x10', count: 8 });
    await ask('exceptionInfo', { threadId: 30042 });
    await ask('gotoTargets', {});
    await ask('disconnect');
    matchGolden(new URL('golden/transcript.txt', import.meta.url), `${out.join('\n')}\n`);
    expect(client.gone).toBe(true);
  });

  it('goes back as it went: steps, and to the breakpoint before', async () => {
    const { client, stopped } = await launched('opens.o', (c) =>
      c.ask('setBreakpoints', { source: source('opens.c'), breakpoints: [{ line: 21 }] }),
    );
    expect(stopped).toMatchObject({ reason: 'breakpoint', allThreadsStopped: true });
    const line = async () => (await client.ask('stackTrace', { threadId: stopped.threadId })).stackFrames[0].line;
    const move = async (command: string, args: object = {}) => {
      await client.ask(command, { threadId: stopped.threadId, ...args });
      return client.event('stopped');
    };
    expect(await line()).toBe(21);
    const when = async () => (await client.ask('evaluate', { expression: 'count' })).result;
    const first = await when();
    await move('continue');
    const second = await when();
    expect(Number(second)).toBeGreaterThan(Number(first));
    expect((await move('reverseContinue')).reason).toBe('breakpoint');
    expect(await when()).toBe(first);
    await move('next');
    expect(await line()).toBeGreaterThan(21);
    await move('stepBack');
    expect(await line()).toBe(21);
    await move('stepIn', { granularity: 'instruction' });
    expect(Number(await when())).toBe(Number(first) + 1);
    await move('stepBack', { granularity: 'instruction' });
    expect(await when()).toBe(first);
    await client.ask('setBreakpoints', { source: source('opens.c'), breakpoints: [] });
    expect(await move('reverseContinue')).toMatchObject({ reason: 'pause', description: 'the recording begins here' });
    await client.ask('restart');
    expect((await client.event('stopped')).reason).toBe('entry');
  });

  it('stops for hits, conditions, logs, instructions and data', async () => {
    const { client, stopped } = await launched('opens.o', async (c) => {
      const { breakpoints } = await c.ask('setBreakpoints', {
        source: source('opens.c'),
        breakpoints: [
          { line: 20, logMessage: 'pid {pid} of {comm}' },
          { line: 21, hitCondition: '3' },
          { line: 22, hitCondition: 'often' },
        ],
      });
      expect(breakpoints.map((b: { verified: boolean }) => b.verified)).toEqual([true, true, false]);
    });
    expect(client.output().match(/^pid 30042 of "python3"$/gm)).toHaveLength(3);
    const { threadId } = stopped;
    await client.ask('setBreakpoints', { source: source('opens.c'), breakpoints: [] });
    // the map's value, by the variable that an editor shows
    const { scopes } = await client.ask('scopes', { frameId: 0 });
    const maps = scopes.find((s: { name: string }) => s.name === 'Maps').variablesReference;
    const [counts] = (await client.ask('variables', { variablesReference: maps })).variables;
    expect(counts).toMatchObject({ name: 'counts', indexedVariables: 1 });
    const info = await client.ask('dataBreakpointInfo', {
      variablesReference: counts.variablesReference,
      name: '[30042]',
    });
    expect(info).toMatchObject({ dataId: 'counts[30042]', accessTypes: ['write', 'read', 'readWrite'] });
    await client.ask('setDataBreakpoints', { breakpoints: [{ dataId: info.dataId }] });
    const before = Number((await client.ask('evaluate', { expression: 'counts[30042]' })).result);
    await client.ask('continue', { threadId });
    expect((await client.event('stopped')).reason).toBe('data breakpoint');
    expect(Number((await client.ask('evaluate', { expression: 'counts[30042]' })).result)).toBe(before + 1);
    await client.ask('setDataBreakpoints', { breakpoints: [] });
    const [{ instructionPointerReference }] = (await client.ask('stackTrace', { threadId })).stackFrames;
    await client.ask('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: instructionPointerReference }],
    });
    await client.ask('continue', { threadId });
    expect((await client.event('stopped')).reason).toBe('breakpoint');
    expect((await client.ask('stackTrace', { threadId })).stackFrames[0]).toMatchObject({
      instructionPointerReference,
    });
  });

  it('opens values through BTF, sets them, and writes memory', async () => {
    const { client } = await launched('opensnoop.o', (c) =>
      c.ask('setBreakpoints', { source: source('opensnoop.c'), breakpoints: [{ line: 33 }] }),
    );
    const { scopes } = await client.ask('scopes', { frameId: 0 });
    const open = async (variablesReference: number, more: object = {}) =>
      (await client.ask('variables', { variablesReference, ...more })).variables;
    const named = (variables: { name: string }[], name: string) =>
      // biome-ignore lint/suspicious/noExplicitAny: a variable of the protocol
      variables.find((v) => v.name === name) as any;
    const locals = await open(scopes.find((s: { name: string }) => s.name === 'Locals').variablesReference);
    const e = named(locals, 'e');
    expect(e).toMatchObject({ type: 'struct event *', evaluateName: 'e' });
    const members = await open(e.variablesReference);
    expect(named(members, 'pid')).toMatchObject({ value: '30042', evaluateName: '(e)->pid' });
    expect(
      await client.ask('setVariable', { variablesReference: e.variablesReference, name: 'pid', value: '7' }),
    ).toMatchObject({ value: '7' });
    expect((await client.ask('evaluate', { expression: 'e->pid' })).result).toBe('7');
    await client.ask('setExpression', { expression: 'e->pid', value: '8' });
    const { result, memoryReference } = await client.ask('evaluate', { expression: 'e->pid' });
    expect(result).toBe('8');
    await client.ask('writeMemory', { memoryReference, data: Buffer.from([9, 0, 0, 0]).toString('base64') });
    expect((await client.ask('evaluate', { expression: 'e->pid' })).result).toBe('9');
    const task = await open(scopes.find((s: { name: string }) => s.name === 'Task').variablesReference);
    const struct = await open(named(task, 'task').variablesReference);
    expect(named(struct, 'pid').value).toBe('30042');
    expect(named(struct, 'comm')).toMatchObject({ value: '"python3"', indexedVariables: 16 });
    expect(
      (await open(named(struct, 'comm').variablesReference, { start: 2, count: 2 })).map(
        (v: { value: string }) => v.value,
      ),
    ).toEqual(['116', '104']);
    expect(await client.ask('completions', { text: 'e->pid + tas', column: 13 })).toMatchObject({
      targets: expect.arrayContaining([expect.objectContaining({ label: 'task' })]),
    });
  });

  it('has variables in each frame of a program, and none of them elsewhere', async () => {
    const { client } = await launched('nested.o', (c) =>
      c.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] }),
    );
    // biome-ignore lint/suspicious/noExplicitAny: variables of the protocol
    const locals = async (frameId: number): Promise<any[] | undefined> => {
      const { scopes } = await client.ask('scopes', { frameId });
      const found = scopes.find((s: { name: string }) => s.name === 'Locals');
      return found && (await client.ask('variables', found)).variables;
    };
    expect((await locals(0))?.find((v) => v.name === 'who')).toMatchObject({ type: 'struct caller *' });
    expect((await locals(1))?.find((v) => v.name === 'who')).toMatchObject({ value: '{pid = 30042, uid = 0}' });
    expect(await locals(2)).toBeUndefined();
    expect((await client.ask('evaluate', { expression: 'who.pid', frameId: 1 })).result).toBe('30042');
  });

  it('pauses, lets breakpoints be set on the way, and ends', async () => {
    const { client, stopped } = await launched('opens.o');
    expect(stopped.reason).toBe('entry');
    const running = client.ask('continue', { threadId: stopped.threadId });
    const set = client.ask('setBreakpoints', { source: source('opens.c'), breakpoints: [{ line: 21 }] });
    await running;
    expect((await set).breakpoints[0].verified).toBe(true);
    expect((await client.event('stopped')).reason).toBe('breakpoint');
    await client.ask('setBreakpoints', { source: source('opens.c'), breakpoints: [] });
    const again = client.ask('continue', { threadId: stopped.threadId });
    await client.ask('pause', { threadId: stopped.threadId });
    await again;
    expect((await client.event('stopped')).reason).toBe('pause');
    await client.ask('terminate');
    await client.event('terminated');
    await client.ask('disconnect');
    expect(client.gone).toBe(true);
  });

  it('runs to the end without stopping where nothing is to be debugged', async () => {
    const client = dapClient();
    await client.ask('initialize', {});
    await client.ask('launch', { program: fixturePath('hello.o'), noDebug: true });
    await client.ask('configurationDone');
    await client.event('terminated');
    expect(client.output()).toMatch(/Hello, World!\n/);
  });

  it('opens a refused program on what the verifier says, and walks along what decided', async () => {
    const { client, stopped } = await launched('rejected.o');
    expect(stopped).toMatchObject({ reason: 'exception', text: "R0 invalid mem access 'map_value_or_null'" });
    expect(client.output()).toMatch(
      /\n0: R1=ctx\(\)[\s\S]*the verifier refused forgot_null_check: R0 invalid mem access/,
    );
    const line = async () => (await client.ask('stackTrace', { threadId: 1 })).stackFrames[0];
    expect(await line()).toMatchObject({ line: 20, source: { path: fixturePath('rejected.c') } });
    expect(await client.ask('exceptionInfo', { threadId: 1 })).toMatchObject({
      description: expect.stringMatching(/compare it with NULL/),
    });
    const move = async (command: string) => {
      await client.ask(command, { threadId: 1 });
      return (await client.event('stopped')).reason;
    };
    expect(await move('reverseContinue')).toBe('step');
    expect(await line()).toMatchObject({ line: 18, name: 'forgot_null_check@7  (85) call bpf_map_lookup_elem#1' });
    const { variables } = await client.ask('variables', { variablesReference: 1 });
    expect(variables).toContainEqual(expect.objectContaining({ name: 'R1', value: 'map_ptr(map=counts,ks=4,vs=8)' }));
    expect(await move('stepBack')).toBe('step');
    expect(await move('next')).toBe('step');
    expect(await move('continue')).toBe('exception');
    expect((await client.ask('evaluate', { expression: 'R0' })).result).toMatch(/^map_value_or_null/);
    const { breakpoints } = await client.ask('setBreakpoints', {
      source: source('rejected.c'),
      breakpoints: [{ line: 20 }],
    });
    expect(breakpoints).toEqual([{ verified: false, message: expect.stringMatching(/never runs/) }]);
    expect((await client.request('disassemble', {})).message).toMatch(/nothing runs/);
    await client.ask('disconnect');
  });

  it('says why an object cannot be launched', async () => {
    const client = dapClient();
    await client.ask('initialize', {});
    expect((await client.request('attach')).message).toMatch(/nothing to attach to/);
    expect((await client.request('launch', {})).message).toMatch(/'program' names the object file/);
  });
});

describe('its messages', () => {
  it('arrive in whatever pieces', () => {
    const reader = new MessageReader();
    const bytes = Buffer.concat([encodeMessage({ text: 'ü' }), encodeMessage({ n: 2 })]);
    const out: unknown[] = [];
    for (const byte of bytes) out.push(...reader.take(Buffer.from([byte])));
    expect(out).toEqual([{ text: 'ü' }, { n: 2 }]);
    expect(() => new MessageReader().take(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toThrow(SyntaxError);
  });
});
