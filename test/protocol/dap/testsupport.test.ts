/** The debug adapter held against the client that Microsoft tests debug adapters with. */
import { type AddressInfo, createServer } from 'node:net';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLaunch } from '../../../src/cli/commands/dap.ts';
import { serveDap } from '../../../src/protocol/index.ts';
import { fixturePath } from './client.ts';

describe('@vscode/debugadapter-testsupport', () => {
  const server = createServer((socket) => {
    serveDap((args) => openLaunch(args, () => ({})), socket, socket).then(
      () => socket.end(),
      () => socket.destroy(),
    );
  });
  let client: DebugClient;
  beforeEach(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    client = new DebugClient('node', '', 'ebpf');
    await client.start((server.address() as AddressInfo).port);
  });
  afterEach(async () => {
    await client.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  it('is told what the adapter can do, and that it does not know what there is not', async () => {
    const { body } = await client.initializeRequest();
    expect(body).toMatchObject({
      supportsConfigurationDoneRequest: true,
      supportsStepBack: true,
      supportsDataBreakpoints: true,
    });
    await expect(client.send('illegal_request')).rejects.toThrow(/illegal_request/);
  });

  it('hits a breakpoint', async () => {
    const file = fixturePath('opens.c');
    await client.hitBreakpoint({ program: fixturePath('opens.o') }, { path: file, line: 21 });
  });

  it('stops at the first hit, steps a line and back', async () => {
    const file = fixturePath('opens.c');
    await Promise.all([
      client.configurationSequence(),
      client.launch({ program: fixturePath('opens.o'), stopOnEntry: true }),
      client.assertStoppedLocation('entry', { path: file, line: 17 }),
    ]);
    const { body } = await client.threadsRequest();
    const threadId = body.threads.find((t) => t.name.startsWith('python3'))?.id ?? 0;
    await Promise.all([
      client.nextRequest({ threadId }),
      client.assertStoppedLocation('step', { path: file, line: 18 }),
    ]);
    await Promise.all([
      client.stepBackRequest({ threadId }),
      client.assertStoppedLocation('step', { path: file, line: 17 }),
    ]);
    const frame = (await client.stackTraceRequest({ threadId })).body.stackFrames[0]?.id ?? 0;
    const { scopes } = (await client.scopesRequest({ frameId: frame })).body;
    const locals = (await client.variablesRequest({ variablesReference: scopes[0]?.variablesReference ?? 0 })).body;
    expect(locals.variables.map((v) => v.name)).toEqual(['____fmt', 'ctx', 'pid', 'one', 'n']);
  });

  it('runs to the end', async () => {
    await Promise.all([
      client.configurationSequence(),
      client.launch({ program: fixturePath('hello.o'), noDebug: true }),
      client.waitForEvent('terminated'),
    ]);
  });
});
