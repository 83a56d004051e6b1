/** `ebpf-emu prog run --pcap`: a run a packet, and what the program said of them. */
import type { Program as KernelProgram } from '../../../kernel-sim/index.ts';
import { writeCapture } from '../../replay/index.ts';
import { writeOutput } from '../files.ts';
import { ethernetCapture } from '../network.ts';
import { print } from '../terminal.ts';

/** include/uapi/linux/bpf.h, `enum xdp_action`; pkt_cls.h, TC_ACT_* */
const VERDICTS: Readonly<Record<string, readonly string[]>> = {
  xdp: ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'],
  sched_cls: [
    'TC_ACT_OK',
    'TC_ACT_RECLASSIFY',
    'TC_ACT_SHOT',
    'TC_ACT_PIPE',
    'TC_ACT_STOLEN',
    'TC_ACT_QUEUED',
    'TC_ACT_REPEAT',
    'TC_ACT_REDIRECT',
  ],
};

interface PcapRun {
  readonly retval: number;
  readonly verdict: string;
  readonly count: number;
}

/** `dataOut`: a capture of the packets as the program left them */
export function runCapture(
  program: KernelProgram,
  file: string,
  options: {
    readonly dataOut?: string;
    readonly maxInsns?: number;
    readonly json?: boolean;
    readonly traced: () => string;
  },
): void {
  const { packets } = ethernetCapture(file);
  const names = VERDICTS[program.type] ?? [];
  const counts = new Map<number, number>();
  let changed = 0;
  const out = packets.map(({ time, bytes }) => {
    const { retval, dataOut } = program.testRun({
      dataIn: bytes,
      ...(options.maxInsns === undefined ? {} : { maxInsns: options.maxInsns }),
    });
    counts.set(retval, (counts.get(retval) ?? 0) + 1);
    if (dataOut.length !== bytes.length || dataOut.some((byte, n) => byte !== bytes[n])) changed++;
    return { time, bytes: dataOut };
  });
  if (options.dataOut !== undefined) writeOutput(options.dataOut, writeCapture(out));
  const verdicts: PcapRun[] = [...counts]
    .sort((a, b) => a[0] - b[0])
    .map(([retval, count]) => ({ retval, verdict: names[retval] ?? String(retval), count }));
  if (options.json) print(`${JSON.stringify({ packets: packets.length, changed, verdicts }, null, 2)}\n`);
  else {
    const lines = verdicts.map(({ verdict, count }) => `${verdict}: ${count}`);
    print(
      [options.traced().trimEnd(), ...lines, `${packets.length} packets, ${changed} changed`]
        .filter((line) => line !== '')
        .join('\n') + '\n',
    );
  }
}
