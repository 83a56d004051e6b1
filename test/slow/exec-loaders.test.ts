/**
 * Loaders of one's own in front of the model, each built here: Go with cilium/ebpf (Debian: golang
 * golang-github-cilium-ebpf-dev), which makes raw system calls, and C with libbpf (libbpf-dev, bpftool), dynamically linked
 * and static. What they must print is in the recording.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const recording = `${root}fixtures/traces/python3.strace`;
const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const PATH = `${process.env['PATH']}:/usr/sbin:/sbin`;
const TIMEOUT = { timeout: 160_000 };

const isHost = process.platform === 'linux' && process.arch === 'x64' && spawnSync('cc', ['--version']).status === 0;
const GO_PATH = '/usr/share/gocode';
const hasGo =
  isHost && spawnSync('go', ['version']).status === 0 && existsSync(`${GO_PATH}/src/github.com/cilium/ebpf`);
if (!hasGo)
  console.log('skipped: a Go loader needs an x86-64 Linux host with cc, golang and golang-github-cilium-ebpf-dev');
const hasLibbpf =
  isHost &&
  existsSync('/usr/include/bpf/libbpf.h') &&
  spawnSync('bpftool', ['version'], { env: { PATH } }).status === 0;
if (!hasLibbpf) console.log('skipped: a C loader needs an x86-64 Linux host with cc, libbpf-dev and bpftool');

function build(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH, ...env } });
  expect(status, stderr).toBe(0);
}
function exec(...command: readonly string[]): readonly string[] {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${root}bin/ebpf-emu.cjs`, 'exec', '--replay', recording, '--then', 'int', '--', ...command],
    { encoding: 'utf8', env: { ...process.env, PATH }, timeout: 120_000 },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

/** who opens files in the recording, in order */
const openers = readFileSync(recording, 'utf8')
  .split('\n')
  .filter((line) => /\bopenat\(/.test(line))
  .map((line) => Number.parseInt(line, 10));

describe.skipIf(!hasGo)('Go with cilium/ebpf', () => {
  it('reads a ring buffer and a perf buffer', TIMEOUT, () => {
    const reader = join(folder, 'reader-go');
    build('go', ['build', '-o', reader, `${root}fixtures/loaders/reader.go`], {
      GO111MODULE: 'off',
      GOPATH: GO_PATH,
      GOCACHE: join(folder, 'go-cache'),
      CGO_ENABLED: '0',
    });
    expect(exec(reader, `${root}fixtures/loaders/opens.bpf.o`, String(openers.length))).toEqual([
      ...openers.map((pid) => `${pid} true 0`),
      'on_open',
    ]);
  });
});

describe.skipIf(!hasLibbpf)('C with libbpf and a skeleton', () => {
  it.each([
    ['dynamically linked', ['-lbpf']],
    ['static', ['-static', '-lbpf', '-lelf', '-lz']],
  ])('reads rings and a variable, %s', TIMEOUT, (_kind, libraries) => {
    const skeleton = spawnSync(
      'bpftool',
      ['gen', 'skeleton', `${root}fixtures/loaders/opens.bpf.o`, 'name', 'opens_bpf'],
      {
        encoding: 'utf8',
        env: { PATH },
      },
    );
    expect(skeleton.status, skeleton.stderr).toBe(0);
    writeFileSync(join(folder, 'opens.skel.h'), skeleton.stdout);
    const reader = join(folder, 'reader-c');
    build('cc', ['-I', folder, '-o', reader, `${root}fixtures/loaders/reader.c`, ...libraries]);
    const lines = exec(reader, String(openers.length));
    expect(lines.slice(0, -1).map((line) => Number.parseInt(line, 10))).toEqual(openers);
    expect(lines.at(-1)).toBe(`counted ${openers.length}, records ${openers.length}, a record's time is past: 1`);
  });
});
