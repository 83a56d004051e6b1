/**
 * Programs that a real Linux 6.12 judged, given to the verifier, and how its answers compare. What
 * is compared: verdict, errno, the log's last line and the whole log. Addresses differ from boot to
 * boot and are masked.
 */
import { createHash } from 'node:crypto';
import { fixupAttachType } from '../../kernel-sim/bpf/prog/attach-check.ts';
import { makeVerifierKernel } from '../../kernel-sim/bpf/prog/verifier-kernel.ts';
import { wholeBtf } from '../../kernel-sim/data/builtin.ts';
import { Btf } from '../../src/btf/index.ts';
import { readInsns } from '../../src/isa/index.ts';
import { type MapFacts, type VerifierInput, type VerifyResult, verify } from '../../src/verifier/index.ts';
import { fromHex, haveShared, readJsonl, readShared } from '../support/shared.ts';

export interface KernelAnswer {
  loaded: boolean;
  errno: number;
  error?: string;
  log?: string;
  log_head?: string;
  log_tail?: string;
  log_len?: number;
  log_sha256?: string;
  verified_insns?: number;
}

export interface RawRecord {
  name: string;
  title?: string;
  prog_type: number;
  expected_attach_type?: number;
  flags?: number;
  attach_btf?: string;
  maps?: RawMap[];
  unpriv?: boolean;
  license?: string;
  insns: string;
  kernel: KernelAnswer;
}
interface RawMap {
  type: number;
  key_size: number;
  value_size: number;
  max_entries: number;
  flags?: number;
  inner?: number;
}

let vmlinux: Btf | undefined;
export function kernelBtf(): Btf {
  vmlinux ??= Btf.parse(wholeBtf());
  return vmlinux;
}

let symbols: Map<string, bigint> | undefined;
export function kernelSymbols(): Map<string, bigint> {
  if (symbols) return symbols;
  symbols = new Map();
  if (!haveShared) return symbols;
  for (const line of Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString('latin1').split('\n')) {
    const [address, , name] = line.split(/[ \t]/);
    if (address && name && !symbols.has(name)) symbols.set(name, BigInt(`0x${address}`));
  }
  return symbols;
}

const ERRNO: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  7: 'E2BIG',
  9: 'EBADF',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  22: 'EINVAL',
  28: 'ENOSPC',
  34: 'ERANGE',
  71: 'EPROTO',
  95: 'EOPNOTSUPP',
  524: 'ENOTSUPP',
};
export const errnoName = (n: number): string => ERRNO[n] ?? `errno ${n}`;

export function rawMaps(record: RawRecord): MapFacts[] {
  const facts = (m: RawMap, n: number, withInner: boolean): MapFacts => ({
    id: n + 1,
    type: m.type,
    name: '',
    keySize: m.key_size,
    valueSize: m.value_size,
    maxEntries: m.max_entries,
    flags: m.flags ?? 0,
    mapExtra: 0n,
    frozen: false,
    address: 0xffff888100000000n + BigInt(n * 1024),
    valueAddress: 0xffff888200000000n + BigInt(n * 4096),
    ...(withInner && m.inner !== undefined && record.maps?.[m.inner]
      ? { inner: facts(record.maps[m.inner] as RawMap, m.inner, false) }
      : {}),
  });
  return (record.maps ?? []).map((m, n) => facts(m, n, true));
}

const ALL = { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true };
const NONE = { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false };

export function inputOf(record: RawRecord): VerifierInput {
  const maps = rawMaps(record);
  const insns = readInsns(fromHex(record.insns));
  const caps = record.unpriv ? NONE : ALL;
  // descriptors: index in the record's maps, as the oracle replaces them
  const fds = new Map<number, MapFacts>();
  for (const [n, map] of maps.entries()) fds.set(100 + n, map);
  for (let i = 0; i + 1 < insns.length; i++) {
    const insn = insns[i];
    if (insn?.code === 0x18 && (insn.src === 1 || insn.src === 2) && insn.imm >= 0 && insn.imm < maps.length)
      insn.imm += 100;
  }
  const btf = kernelBtf();
  const type = record.prog_type;
  const attach = fixupAttachType(type, record.expected_attach_type ?? 0);
  let attachBtfId = 0;
  if (record.attach_btf) {
    for (const name of [
      `bpf_lsm_${record.attach_btf}`,
      `btf_trace_${record.attach_btf}`,
      `bpf_iter_${record.attach_btf}`,
      record.attach_btf,
    ]) {
      attachBtfId ||= btf.findByName(name, name.startsWith('btf_trace_') ? 'typedef' : 'func') ?? 0;
    }
  }
  const kernel = makeVerifierKernel(
    { symbol: (name) => kernelSymbols().get(name), vmlinux: btf, mapByFd: (fd) => fds.get(fd), cpus: 1 },
    {
      type,
      expectedAttachType: attach,
      scope: {
        caps,
        sleepable: ((record.flags ?? 0) & 16) !== 0,
        ...(record.attach_btf ? { attachName: record.attach_btf } : {}),
      },
    },
  );
  return {
    insns,
    name: record.name,
    type,
    expectedAttachType: attach,
    flags: record.flags ?? 0,
    gpl: (record.license ?? 'GPL') !== '' && /GPL/.test(record.license ?? 'GPL'),
    caps,
    logLevel: 2,
    ...(attachBtfId ? { attachBtfId } : {}),
    kernel,
  };
}

/** Boot-dependent addresses masked. */
export const mask = (log: string): string => log.replace(/0xffff[0-9a-f]{12}/g, 'ADDR');

const lastLine = (log: string): string => {
  const lines = log.trimEnd().split('\n');
  return lines.findLast((l) => !l.startsWith('processed ')) ?? '';
};

export interface Comparison {
  verdict: boolean;
  errno: boolean;
  lastLine: boolean;
  log: boolean;
}

export function compare(result: VerifyResult, kernel: KernelAnswer): Comparison {
  const verdict = result.ok === kernel.loaded;
  const errno = verdict && (result.ok || result.errno === errnoName(kernel.errno));
  const mine = mask(result.log);
  // a log too long for the oracle's buffer was not kept
  if (kernel.log === '' && kernel.loaded) return { verdict, errno, lastLine: verdict, log: verdict };
  if (kernel.log === undefined) {
    const head = mask((kernel.log_head ?? '').slice(0, -40));
    const tail = mask((kernel.log_tail ?? '').slice(200));
    const same =
      kernel.log_sha256 === createHash('sha256').update(result.log).digest('hex') ||
      (mine.startsWith(head) && mine.endsWith(tail) && Math.abs(result.log.length - (kernel.log_len ?? 0)) < 2);
    return { verdict, errno, lastLine: lastLine(mine) === lastLine(tail), log: same };
  }
  const theirs = mask(kernel.log);
  return { verdict, errno, lastLine: lastLine(mine) === lastLine(theirs), log: mine === theirs };
}

export const rawRecords = (): RawRecord[] => readJsonl<RawRecord>('conformance/verifier/raw.jsonl.gz');

export { verify };
