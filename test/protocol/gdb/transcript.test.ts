/** gdb's protocol as packets: what a gdb sends, and what it is answered. */
import { describe, expect, it } from 'vitest';
import { GdbConnection } from '../../../src/protocol/gdb/connection.ts';
import { framed, PacketReader } from '../../../src/protocol/gdb/packet.ts';
import { GdbStub } from '../../../src/protocol/gdb/stub.ts';
import { openSession } from '../../debug/support.ts';
import { matchGolden } from '../../support/golden.ts';
import { maskHeap } from '../../support/mask-heap.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');

/** A gdb that sends packets and waits for their answers. */
async function client(name: string) {
  const session = await openSession(name);
  const reader = new PacketReader();
  const received: string[] = [];
  let wake = (): void => {};
  let ended = false;
  const stub = new GdbStub(session);
  const connection = new GdbConnection(
    stub,
    {
      write(bytes) {
        for (const r of reader.take(bytes)) if (r.kind === 'packet') received.push(r.data);
        wake();
      },
      end() {
        ended = true;
        wake();
      },
    },
    (error) => {
      throw error;
    },
  );
  /** Packets up to the first that is no console output. */
  const answer = async (): Promise<string[]> => {
    const out: string[] = [];
    for (;;) {
      const next = received.shift();
      if (next === undefined) {
        if (ended) return out;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      out.push(next);
      if (!/^O[0-9a-f]/.test(next)) return out;
    }
  };
  return {
    session,
    stub,
    raw: (bytes: string) => connection.take(bytes),
    answer,
    async ask(packet: string): Promise<string> {
      connection.take(framed(packet));
      return (await answer()).join('\n');
    },
  };
}

/** What is asked, in order; several with one title are one part of the transcript. */
const RIP = '10';
const DO_SYS_OPENAT2 = 'ffffffff81453d90';

describe('the remote protocol', () => {
  it('answers as the golden transcript has it', async () => {
    const { ask, session } = await client('opens.o');
    const out: string[] = [];
    const readable = (packet: string): string =>
      packet.startsWith('qRcmd,') ? `qRcmd "${Buffer.from(packet.slice(6), 'hex')}"` : packet;
    const said = (answer: string): string =>
      answer
        .split('\n')
        .map((line) => (/^O[0-9a-f]{2}/.test(line) ? `O "${Buffer.from(line.slice(1), 'hex')}"` : line))
        .join('\n');
    for (const packet of [
      'qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+;vContSupported+',
      'vMustReplyEmpty',
      '!',
      'Hg0',
      'qXfer:features:read:target.xml:0,ffb',
      'qXfer:features:read:nothing.xml:0,ffb',
      'qXfer:memory-map:read::0,100',
      'qXfer:memory-map:read::100,1000',
      'qXfer:exec-file:read:7562:0,ffb',
      'qXfer:threads:read::0,ffb',
      'qfThreadInfo',
      'qsThreadInfo',
      'qThreadExtraInfo,755a',
      'qC',
      'qAttached',
      'qOffsets',
      'T755a',
      'T1234',
      'vCont?',
      '?',
      'g',
      `p${RIP}`,
      'p18',
      'p99',
      `m${DO_SYS_OPENAT2},10`,
      'm10,4',
      // registers of a task that was switched away
      'Hg5e3',
      `p${RIP}`,
      'p0',
      'P0=0000000000000000',
      'Hg0',
      `Z0,${DO_SYS_OPENAT2},1`,
      'vCont;c',
      `z0,${DO_SYS_OPENAT2},1`,
      'vCont;s:755a;c',
      'vCont;s:755a;c',
      'bs',
      'vCont;rffffffff81453d90,ffffffff81453d98:755a;c',
      `qRcmd,${hex('when')}`,
      `qRcmd,${hex('progs')}`,
      `qRcmd,${hex('events')}`,
      `qRcmd,${hex('nonsense')}`,
      `qRcmd,${hex('goto 100')}`,
      'bc',
      'Z9,0,0',
      'vCont;q',
      'm',
      'G',
      'M1,2:00',
      'X0,0:',
      'nonsense',
    ])
      out.push(`> ${readable(packet)}\n${said(await ask(packet)).replace(/^/gm, '< ')}`);
    expect((await ask('D')).startsWith('OK')).toBe(true);
    session.close();
    matchGolden(new URL('golden/transcript.txt', import.meta.url), `${maskHeap(out.join('\n'))}\n`);
  });

  it('sets registers and memory, and another future follows', async () => {
    const { ask, session } = await client('hello.o');
    expect(await ask('P3=efbeadde00000000')).toBe('OK');
    expect(session.evaluate('$rdx').bits).toBe(0xdeadbeefn);
    expect(await ask('p3')).toBe('efbeadde00000000');
    const stack = session.kernel.cpu.reg64(4) - 64n;
    expect(await ask(`M${stack.toString(16)},4:01020304`)).toBe('OK');
    expect(await ask(`m${stack.toString(16)},4`)).toBe('01020304');
    // a byte of data that a packet must escape
    expect(await ask(`X${stack.toString(16)},3:#$}`)).toBe('OK');
    expect(await ask(`m${stack.toString(16)},4`)).toBe('23247d04');
    expect(await ask('Xdeadbeef0000,1:a')).toBe('E01');
    const all = await ask('g');
    expect(await ask(`G${all.replace(/^.{16}/, '1100000000000000')}`)).toBe('OK');
    expect(session.evaluate('$rax').bits).toBe(0x11n);
    session.close();
  });

  it('watches memory both ways', async () => {
    const { ask, session } = await client('opens.o');
    const at = session.kernel.cpu.reg64(4) - 0x10n;
    expect(await ask(`Z2,${at.toString(16)},8`)).toBe('OK');
    const forth = await ask('vCont;c');
    expect(forth).toContain(`T05watch:${at.toString(16)};`);
    const { count } = session.stop;
    const value = session.evaluate(`*(u64 *)0x${at.toString(16)}`).bits;
    expect(await ask('bc')).toContain('watch:');
    expect(session.stop.count).toBe(count - 1);
    expect(session.evaluate(`*(u64 *)0x${at.toString(16)}`).bits).not.toBe(value);
    session.close();
  });

  it('watches reads and accesses, to the byte', async () => {
    const { ask, session } = await client('opens.o');
    // pid, at fp-4: one instruction writes it, the helper's hash reads it
    await ask('Z0,ffffffffc0000074,1');
    const fp = () => session.kernel.cpu.reg64(5);
    while (session.stop.place.slot !== 2) await ask('vCont;s:755a;c');
    const pid = (fp() - 4n).toString(16);
    expect(await ask(`Z4,${pid},4`)).toBe('OK');
    expect(await ask(`Z3,${(fp() - 3n).toString(16)},1`)).toBe('OK');
    expect(await ask('vCont;c')).toContain(`awatch:${pid};`);
    expect(session.evaluate(`*(u32 *)0x${pid}`).bits).toBe(30042n);
    const written = session.stop.count;
    await ask(`z4,${pid},4`);
    const read = await ask('vCont;c');
    expect(read).toContain('rwatch:');
    expect(session.stop.count).toBeGreaterThan(written);
    expect(session.stop.place.world).not.toBe('image');
    await ask(`Z4,${pid},4`);
    // back over the read to the write
    expect(await ask('bc')).toContain('watch:');
    while (session.stop.count > written) expect(await ask('bc')).toContain('watch:');
    expect(session.stop.count).toBe(written - 1);
    session.close();
  });

  it('ends a run at Ctrl-C, and says where the recording begins and ends', async () => {
    const { ask, raw, answer, session } = await client('opens.o');
    raw(framed('vCont;c'));
    raw('\u0003');
    const [stopped] = await answer();
    expect(stopped).toMatch(/^T0(2|5replaylog:end;)/);
    expect(await ask('vCont;c')).toMatch(/^T05replaylog:end;/);
    expect(await ask('bc')).toMatch(/^T05replaylog:begin;/);
    session.close();
  });

  it('reads the symbols of all that there is from the target', async () => {
    const { ask, session } = await client('opens.o');
    expect(await ask(`vFile:open:${hex('/etc/passwd')},0,0`)).toBe('F-1,2');
    const fd = (await ask(`vFile:open:${hex('/ebpf-emu/vmlinux')},0,0`)).slice(1);
    const size = Buffer.from((await ask(`vFile:fstat:${fd}`)).slice(4), 'latin1').readBigUInt64BE(28);
    const parts: Buffer[] = [];
    for (let at = 0; at < size; ) {
      const part = await ask(`vFile:pread:${fd},80000,${at.toString(16)}`);
      const data = Buffer.from(part.slice(part.indexOf(';') + 1), 'latin1');
      parts.push(data);
      at += data.length;
    }
    expect(await ask(`vFile:close:${fd}`)).toBe('F0');
    expect(await ask(`vFile:pread:${fd},10,0`)).toBe('F-1,9');
    const bytes = Buffer.concat(parts);
    expect(bytes.readUInt16LE(18)).toBe(62);
    const program = session.programs.list[0]?.view.functions[0];
    const text = bytes.toString('latin1');
    for (const name of ['do_sys_openat2', 'ftrace_trampoline', program?.name, '.debug_frame', '.debug_line'])
      expect(text).toContain(`\0${name}\0`);
    expect(text).toContain(Buffer.from(program?.bytes ?? []).toString('latin1'));
    session.close();
  });

  it('takes packets in pieces, asks again for damaged ones, and sends again what did not arrive', async () => {
    const sent: string[] = [];
    const session = await openSession('hello.o');
    const connection = new GdbConnection(
      new GdbStub(session),
      { write: (bytes) => void sent.push(bytes), end: () => {} },
      (error) => {
        throw error;
      },
    );
    for (const c of '$qC#b4') connection.take(c);
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toEqual(['+', '$QC755a#96']);
    connection.take('-');
    expect(sent.at(-1)).toBe('$QC755a#96');
    connection.take('$qC#00');
    expect(sent.at(-1)).toBe('-');
    session.close();
  });
});
