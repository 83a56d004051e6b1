/**
 * What functions hand over, as programs read it: values that Linux 6.12.117 gave for the same calls (a shell that
 * exits 7, a sleep that SIGTERM ends, unlink of a file that is not there, opens by bash and cat).
 */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { tables } from '../../../kernel-sim/text/functions/index.ts';
import { functionName, returnsInt } from '../../../kernel-sim/text/language.ts';
import { Btf } from '../../../src/btf/index.ts';
import { haveShared, readShared } from '../../support/shared.ts';
import { program } from '../support/programs.ts';
import { call, recording } from '../support/recording.ts';

const PF_EXITING = 4;
const AT_FDCWD = -100;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const O_CREAT = 0o100;

describe('the end of a process', () => {
  it('has its status as wait(2) gives it, in do_exit and in task_struct', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const seen: string[] = [];
    k.probes.kprobe(
      program(k, 'do_exit', () => void seen.push(`do_exit 0x${k.memory.readU32(k.args.addr(0) + di).toString(16)}`)),
      { symbol: 'do_exit' },
    );
    const di = k.structs.of('pt_regs').offset('di');
    k.probes.tracepoint(
      program(k, 'exit', () => {
        const { current } = k.tasks;
        const code = k.memory.readU32(current.field('exit_code'));
        const exiting = (k.memory.readU32(current.field('flags')) & PF_EXITING) !== 0;
        seen.push(`${current.pid}: status ${code >> 8} signal ${code & 127} exiting ${exiting}`);
      }),
      'sched',
      'sched_process_exit',
    );
    await k.replay(
      recording(
        [
          call('exit_group', [7], undefined, { pid: 240 }),
          call('exit', [-1], undefined, { pid: 241 }),
          call('clock_nanosleep', [0, 0, 0, 0], -516, { pid: 244 }),
          { kind: 'end', pid: 244, time: 5, status: 15 },
        ],
        [
          [240, 'bash'],
          [241, 'thread'],
          [244, 'sleep'],
        ],
      ),
    );
    expect(seen).toEqual([
      'do_exit 0x700',
      '240: status 7 signal 0 exiting true',
      'do_exit 0xff00',
      '241: status 255 signal 0 exiting true',
      'do_exit 0xf',
      '244: status 0 signal 15 exiting true',
    ]);
  });
});

describe('a return value', () => {
  it('of an int function has zeros in its upper half, of a long one its sign', async () => {
    const k = await Kernel.boot({ engine: 'step' });
    const ax = k.structs.of('pt_regs').offset('ax');
    const seen: Record<string, string> = {};
    for (const symbol of ['do_unlinkat', '__x64_sys_unlink', 'do_sys_openat2', 'security_file_open'])
      k.probes.kprobe(
        program(k, symbol, () => {
          seen[symbol] = BigInt.asIntN(64, k.memory.readU64(k.args.addr(0) + ax)).toString();
        }),
        { symbol, ret: true },
      );
    await k.replay(recording([call('unlink', ['/nope'], -2), call('openat', [AT_FDCWD, '/nope', 0], -2)]));
    expect(seen).toEqual({ do_unlinkat: '4294967294', __x64_sys_unlink: '-2', do_sys_openat2: '-2' });
  });
});

describe('struct open_how', () => {
  it.each([
    [[AT_FDCWD, '/x', O_CLOEXEC, 0o644], '88000 0'],
    [[AT_FDCWD, '/x', O_CREAT, 0o100644], '8040 1a4'],
    [[AT_FDCWD, '/x', O_PATH | O_CLOEXEC | 2, 0], '280000 0'],
  ])('of openat%j has the flags that the kernel adds and keeps', async (args, want) => {
    const k = await Kernel.boot({ engine: 'step' });
    const how = k.structs.of('open_how');
    const seen: string[] = [];
    k.probes.kprobe(
      program(k, 'o', () => {
        const at = k.memory.readAddr(k.args.addr(0) + k.structs.of('pt_regs').offset('dx'));
        const field = (name: string) => k.memory.readU64(at + how.offset(name)).toString(16);
        seen.push(`${field('flags')} ${field('mode')}`);
      }),
      { symbol: 'do_sys_openat2' },
    );
    await k.replay(recording([call('openat', args, 3)]));
    expect(seen).toEqual([want]);
  });
});

describe('an LSM hook', () => {
  it.each(['bprm_check_security', 'file_alloc_security', 'file_open'])(
    '%s is reached from its function',
    async (hook) => {
      const k = await Kernel.boot({ engine: 'step' });
      let hits = 0;
      k.probes.kprobe(
        program(k, hook, () => void hits++),
        { symbol: `bpf_lsm_${hook}` },
      );
      await k.replay(recording([call('execve', ['/bin/true', { kind: 'strings', list: [] }, 0], 0)]));
      expect(hits).toBeGreaterThan(0);
    },
  );
});

describe.skipIf(!haveShared)('the tables', () => {
  it('say of each function whether it returns int as the kernel does', () => {
    const btf = Btf.parse(readShared('reference/6.12/vmlinux.btf.gz'));
    const wrong: string[] = [];
    for (const signature of Object.keys(tables)) {
      const name = functionName(signature).replace(/\..*/, '');
      const [func] = [...btf.findAllByName(name)].map((id) => btf.typeById(id)).filter((t) => t.kind === 'func');
      if (func?.kind !== 'func') continue;
      const proto = btf.typeById(func.type);
      if (proto.kind !== 'func_proto' || proto.type === 0) continue;
      const result = btf.resolve(proto.type);
      const small = result.kind === 'int' && result.size <= 4;
      if (small !== returnsInt(signature)) wrong.push(signature);
    }
    expect(wrong).toEqual([]);
  });
});
