/** Test runs of socket lookup programs and flow dissectors: net/bpf/test_run.c of Linux 6.12. */

import { AF } from '../../src/uapi/socket.ts';
import { BpfError } from '../bpf/errors.ts';
import type { TestRunOptions, TestSetup } from '../bpf/prog/test-run.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { PAGE_SIZE as PAGE } from '../core/layout.ts';
import { ETH_HLEN } from '../net/packet.ts';
import { structSize } from './packet.ts';
import type { Runner } from './runner.ts';
import { readCtx } from './skb.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';
const NONE = new Uint8Array(0);

const invalid = (what: string): never => {
  throw new BpfError(COMMAND, 'EINVAL', what);
};

/** sizeof(struct bpf_sk_lookup) and offsets in it. */
const SK_LOOKUP_SIZE = 72;
const LOCAL_PORT = 60;

/** `bpf_prog_test_run_sk_lookup` */
export function runSkLookup(runner: Runner, o: TestRunOptions): TestSetup {
  if (o.flags || o.cpu) invalid('socket lookup programs take no flags');
  if (o.dataIn?.length || o.dataSizeOut) invalid('socket lookup programs take a context and nothing else');
  const ctx = readCtx(o.ctxIn, SK_LOOKUP_SIZE) ?? invalid('no context');
  const view = new DataView(ctx.buffer);
  if (view.getBigUint64(0, true) !== 0n) invalid('the context names a socket');
  if (ctx.subarray(LOCAL_PORT + 4).some((b) => b !== 0)) invalid('the context sets what follows local_port');
  if (view.getUint32(LOCAL_PORT, true) > 0xffff) throw new BpfError(COMMAND, 'ERANGE', 'local_port is no port');
  const family = view.getUint32(8, true) & 0xffff;
  if (family !== AF.INET && family !== AF.INET6)
    throw new BpfError(COMMAND, 'EAFNOSUPPORT', `address family ${family}`);
  const { state } = runner;
  const { host } = state;
  const at = host.kmalloc(structSize(state, 'bpf_sk_lookup_kern'));
  const addresses = host.kmalloc(32);
  const release = (): void => {
    host.kfree(at);
    host.kfree(addresses);
  };
  try {
    const kern = new GuestStruct(state.kernel, 'bpf_sk_lookup_kern', at);
    kern.set('family', family).set('protocol', view.getUint32(12, true));
    kern.set('sport', view.getUint16(36, true)).set('dport', view.getUint32(LOCAL_PORT, true));
    if (family === AF.INET) {
      kern.set('v4.saddr', view.getUint32(16, true)).set('v4.daddr', view.getUint32(40, true));
    } else {
      host.memory.writeBytes(addresses, ctx.subarray(20, 36));
      host.memory.writeBytes(addresses + 16, ctx.subarray(44, 60));
      kern.set('v6.saddr', addresses).set('v6.daddr', addresses + 16);
    }
    return {
      calls: runner.onContext(at),
      as: 'atomic',
      collect: () => {
        // SK_PASS unless the program drops and selects nothing
        const selected = kern.get('selected_sk') !== 0;
        return runner.result(NONE, ctx, runner.retval === 1 || selected ? 1 : 0);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** sizeof(struct bpf_flow_keys) and offsets in it. */
const FLOW_KEYS = 56;
const KEYS = { nhoff: 0, thoff: 2, n_proto: 10, flags: 48 };

/** `bpf_prog_test_run_flow_dissector`: what comes out is the keys. */
export function runFlowDissector(runner: Runner, o: TestRunOptions): TestSetup {
  if (o.flags || o.cpu) invalid('flow dissectors take no flags');
  const data = o.dataIn ?? NONE;
  if (data.length < ETH_HLEN || data.length > PAGE)
    invalid(`${data.length} bytes of packet: from ${ETH_HLEN} to ${PAGE}`);
  const given = readCtx(o.ctxIn, FLOW_KEYS);
  if (given?.some((b, at) => b !== 0 && (at < KEYS.flags || at >= KEYS.flags + 4)))
    invalid('only the flags of the keys may be set');
  const { state } = runner;
  const { host } = state;
  const packet = host.kmalloc(data.length);
  const keys = host.kmalloc(FLOW_KEYS);
  const at = host.kmalloc(structSize(state, 'bpf_flow_dissector'));
  const release = (): void => {
    for (const a of [packet, keys, at]) host.kfree(a);
  };
  try {
    host.memory.writeBytes(packet, data);
    if (given) host.memory.writeBytes(keys, given);
    host.memory.writeU16(keys + KEYS.nhoff, ETH_HLEN);
    host.memory.writeU16(keys + KEYS.thoff, ETH_HLEN);
    host.memory.writeU16(keys + KEYS.n_proto, data[12]! | (data[13]! << 8));
    const ctx = new GuestStruct(state.kernel, 'bpf_flow_dissector', at);
    ctx
      .set('flow_keys', keys)
      .set('data', packet)
      .set('data_end', packet + data.length);
    return {
      calls: runner.onContext(at),
      as: 'atomic',
      collect: () => {
        const clamp = (n: number, from: number): number => Math.min(Math.max(n, from), data.length);
        const nhoff = clamp(host.memory.readU16(keys + KEYS.nhoff), ETH_HLEN);
        host.memory.writeU16(keys + KEYS.nhoff, nhoff);
        host.memory.writeU16(keys + KEYS.thoff, clamp(host.memory.readU16(keys + KEYS.thoff), nhoff));
        const out = host.memory.readBytes(keys, FLOW_KEYS);
        return runner.result(out, given ?? NONE);
      },
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}
