/** bpf_trace_printk, bpf_trace_vprintk, bpf_snprintf (bpf-helpers(7)). */
import { type Addr, addrToBigInt } from '../../../../src/machine/addr.ts';
import { START_KERNEL_MAP } from '../../../../src/machine/index.ts';
import { ERRNO } from '../../../errno.ts';
import type { BpfState } from '../../state.ts';
import { readString } from './access.ts';
import type { HelperBodies, HelperCall } from './call.ts';
import { type FormatEnv, format } from './format.ts';

/** BPF_TRACE_PRINTK_SIZE */
const TRACE_SIZE = 1024;
const MAX_VARARGS = 12;

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
/** Bytes as text; most lines are ASCII and need no second look. */
const utf8 = (text: string): string => (/[^\0-\x7f]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text);

const environments = new WeakMap<BpfState, FormatEnv>();
/** One for each kernel: a line in trace_pipe is no reason to make it anew. */
function environmentOf(state: BpfState): FormatEnv {
  let env = environments.get(state);
  if (env === undefined) {
    env = environment(state);
    environments.set(state, env);
  }
  return env;
}

/** is_ksym_addr(): the kernel's text, modules and images. */
const isText = (at: Addr): boolean => at < 0 && at >= START_KERNEL_MAP;

function environment(state: BpfState): FormatEnv {
  const { kernel } = state;
  const { memory, symbols } = kernel;
  return {
    string: (at, _space, max) => {
      const bytes = readString(memory, at, max);
      return bytes && latin1(bytes.subarray(0, max - 1));
    },
    bytes: (at, size) => {
      try {
        return memory.readBytes(at, size);
      } catch {
        return new Uint8Array(size);
      }
    },
    symbol: (at, form) => {
      const back = form === 'B' ? 1 : 0;
      const found = isText(at) ? symbols.at(at - back) : undefined;
      if (found === undefined) return `0x${addrToBigInt(at).toString(16)}`;
      if (form === 's') return found.name;
      const module = found.module ? ` [${found.module}]` : '';
      return `${found.name}+0x${(found.offset + back).toString(16)}/0x${found.size.toString(16)}${module}`;
    },
    hash: (at) => {
      // a keyed hash on Linux; here one that differs between seeds of the machine only by being fixed
      let h = 0x811c9dc5;
      for (let shift = 0n; shift < 64n; shift += 8n) h = Math.imul(h ^ Number((at >> shift) & 0xffn), 0x01000193);
      return BigInt(h >>> 0);
    },
  };
}

/** The format at an address, undefined where it does not end within its size. */
function readFormat(call: HelperCall, at: Addr, size: number): string | undefined {
  const bytes = call.kernel.memory.readBytes(at, size);
  const end = bytes.indexOf(0);
  return end < 0 ? undefined : latin1(bytes.subarray(0, end));
}

function values(call: HelperCall, at: Addr, size: number): bigint[] | undefined {
  if (size % 8 !== 0 || size > MAX_VARARGS * 8 || (size > 0 && at === 0)) return undefined;
  return Array.from({ length: size / 8 }, (_, i) => call.kernel.memory.readU64(at + 8 * i));
}

function trace(call: HelperCall, fmt: string | undefined, args: readonly bigint[] | undefined): void {
  const text = fmt === undefined || args === undefined ? undefined : format(fmt, args, environmentOf(call.state));
  if (text === undefined) {
    call.args.retInt(-ERRNO.EINVAL);
    return;
  }
  call.kernel.trace.event(`bpf_trace_printk: ${utf8(text.slice(0, TRACE_SIZE - 1))}`);
  call.args.retInt(text.length);
}

export const PRINT: HelperBodies = {
  bpf_trace_printk: (call) => {
    const { args } = call;
    const fmt = readFormat(call, args.addr(0), args.u32(1));
    // only as many as the format takes: a call always passes three registers
    trace(call, fmt, fmt?.includes('%') ? [args.big(2), args.big(3), args.big(4)] : []);
  },
  bpf_trace_vprintk: (call) => {
    const { args } = call;
    trace(call, readFormat(call, args.addr(0), args.u32(1)), values(call, args.addr(2), args.u32(3)));
  },
  bpf_snprintf: (call) => {
    const { args } = call;
    const { memory } = call.kernel;
    const [at, size] = [args.addr(0), args.u32(1)];
    const bytes = readString(memory, args.addr(2), 4096);
    const given = values(call, args.addr(3), args.u32(4));
    const text = bytes && given && format(latin1(bytes), given, environmentOf(call.state));
    if (text === undefined) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    if (size > 0) {
      const kept = text.slice(0, size - 1);
      memory.writeBytes(at, Uint8Array.from(Buffer.from(`${kept}\0`, 'latin1')));
    }
    args.retInt(text.length + 1);
  },
};
