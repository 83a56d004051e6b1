/** Test runs of XDP programs: `bpf_prog_test_run_xdp` of Linux 6.12's net/bpf/test_run.c. */

import { BPF_ATTACH_TYPE as A } from '../../src/uapi/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { TestRunOptions, TestSetup } from '../bpf/prog/test-run.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { PAGE_SIZE as PAGE } from '../core/layout.ts';
import { ETH_HLEN, SHARED_INFO, XDP_HEADROOM } from '../net/packet.ts';
import { loopback, structSize } from './packet.ts';
import type { Runner } from './runner.ts';
import { readCtx } from './skb.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';
/** sizeof(struct xdp_md) */
const CTX_SIZE = 24;
/** BPF_F_TEST_XDP_LIVE_FRAMES */
const LIVE_FRAMES = 2;

const invalid = (what: string): never => {
  throw new BpfError(COMMAND, 'EINVAL', what);
};

export function runXdp(runner: Runner, o: TestRunOptions): TestSetup {
  const { state, prog } = runner;
  const { host } = state;
  if (prog.expectedAttachType === A.XDP_DEVMAP || prog.expectedAttachType === A.XDP_CPUMAP)
    invalid('programs of devmaps and cpumaps have no test run');
  if ((o.flags ?? 0) & ~LIVE_FRAMES) invalid('unknown flags');
  if ((o.flags ?? 0) & LIVE_FRAMES) throw new BpfError(COMMAND, 'EOPNOTSUPP', 'live frames are not modelled yet');
  const data = o.dataIn ?? new Uint8Array(0);
  const bare = !prog.init.verified;
  const ctx = readCtx(o.ctxIn, CTX_SIZE);
  const view = ctx && new DataView(ctx.buffer);
  const metaLen = view?.getUint32(0, true) ?? 0;
  const headroom = XDP_HEADROOM - metaLen;
  let linear = Math.min(data.length, PAGE - headroom - SHARED_INFO);
  if (view) {
    const [end, meta] = [view.getUint32(4, true), view.getUint32(8, true)];
    if (meta !== 0 || end > data.length || metaLen > end || metaLen % 4 !== 0 || metaLen > 255) {
      invalid('data, data_end and data_meta of the context do not fit the data');
    }
    if (view.getUint32(12, true) > 1)
      throw new BpfError(COMMAND, 'ENODEV', `no network device ${view.getUint32(12, true)}`);
    if (view.getUint32(16, true) !== 0 || view.getUint32(20, true) !== 0) invalid('no such queue');
    linear = Math.min(linear, end);
  } else if (!bare && data.length < ETH_HLEN) invalid(`${data.length} bytes of packet: at least ${ETH_HLEN}`);
  const frame = host.kmalloc(PAGE);
  const xdpAt = host.kmalloc(structSize(state, 'xdp_buff'));
  const rxq = host.kmalloc(structSize(state, 'xdp_rxq_info'));
  const dev = loopback(state);
  const release = (): void => {
    for (const at of [frame, xdpAt, rxq, dev.at]) host.kfree(at);
  };
  try {
    const start = frame + headroom;
    host.memory.writeBytes(start, data.subarray(0, linear));
    new GuestStruct(state.kernel, 'xdp_rxq_info', rxq).set('dev', dev.at);
    const xdp = new GuestStruct(state.kernel, 'xdp_buff', xdpAt);
    xdp
      .set('data_hard_start', frame)
      .set('data_meta', start)
      .set('data', start + metaLen);
    xdp
      .set('data_end', start + linear)
      .set('rxq', rxq)
      .set('frame_sz', PAGE);
    return {
      calls: runner.onContext(xdpAt),
      as: 'atomic',
      collect: () => {
        const meta = Math.min(xdp.get('data_meta'), xdp.get('data'));
        // what does not fit the first page lies in fragments, which the program does not see
        const seen = host.memory.readBytes(meta, xdp.get('data_end') - meta);
        const out = new Uint8Array(seen.length + data.length - linear);
        out.set(seen);
        out.set(data.subarray(linear), seen.length);
        const ctxOut = new Uint8Array(ctx ? CTX_SIZE : 0);
        if (ctx) {
          const w = new DataView(ctxOut.buffer);
          w.setUint32(0, xdp.get('data') - meta, true);
          w.setUint32(4, xdp.get('data_end') - meta, true);
          w.setUint32(12, view?.getUint32(12, true) ?? 0, true);
        }
        return runner.result(out, ctxOut);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
