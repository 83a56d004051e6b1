/** The extension for VS Code: that it says what the adapter takes, and starts it. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { encodeMessage, MessageReader } from '../../../src/protocol/dap/wire.ts';
import { command, installed } from '../../support/process.ts';

const folder = new URL('../../../docs/vscode/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
const [debuggerOf] = manifest.contributes.debuggers;

it('has the attributes that a launch takes, and the version that the package has', () => {
  const types = readFileSync(new URL('../../../src/protocol/dap/adapter.ts', import.meta.url), 'utf8');
  const launch = /interface LaunchArguments[^{]*\{([\s\S]*?)\n\}/.exec(types)?.[1] ?? '';
  const names = [...launch.matchAll(/readonly (\w+)\?:/g)].map((m) => m[1]);
  expect(Object.keys(debuggerOf.configurationAttributes.launch.properties)).toEqual(names);
  const readme = readFileSync(new URL('README.md', folder), 'utf8');
  for (const name of names) expect(readme).toContain(`| \`${name}\` |`);
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', folder), 'utf8'));
  expect(manifest.version).toBe(version);
});

it('starts the adapter as a process', async () => {
  const emu = command(await installed());
  const child = spawn(process.execPath, [fileURLToPath(new URL(debuggerOf.program, folder))], {
    cwd: fileURLToPath(new URL('../../../', import.meta.url)),
    env: { ...process.env, EBPF_EMU: `${process.execPath} ${emu}` },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const reader = new MessageReader();
  const answers: { command?: string; success?: boolean }[] = [];
  child.stdout.on('data', (chunk: Buffer) => answers.push(...(reader.take(chunk) as typeof answers)));
  child.stdin.write(encodeMessage({ seq: 1, type: 'request', command: 'initialize', arguments: {} }));
  child.stdin.write(
    encodeMessage({
      seq: 2,
      type: 'request',
      command: 'launch',
      arguments: { program: 'fixtures/hello.o', args: ['-p', 'nothing'] },
    }),
  );
  child.stdin.write(encodeMessage({ seq: 3, type: 'request', command: 'disconnect' }));
  const code = await new Promise((resolve) => child.on('exit', resolve));
  expect(code).toBe(0);
  expect(answers.map((a) => [a.command, a.success])).toEqual([
    ['initialize', true],
    // there is no such program in it
    ['launch', false],
    ['disconnect', true],
  ]);
}, 30_000);
