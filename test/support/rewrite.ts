/** Verifies and rewrites a record's instructions against a kernel of tables alone, for comparison with the real kernel's xlated. */
import { dumpInsns } from '../../kernel-sim/bpf/prog/dump.ts';
import { makeVerifierKernel } from '../../kernel-sim/bpf/prog/verifier-kernel.ts';
import { Btf } from '../../src/btf/index.ts';
import * as I from '../../src/isa/index.ts';
import { attachType, mapType, progType } from '../../src/uapi/index.ts';
import { verify } from '../../src/verifier/index.ts';
import type { MapFacts } from '../../src/verifier/kernel.ts';
import { type Rewritten, rewriteProgram } from '../../src/verifier/rewrite/index.ts';
import { fromHex, readShared } from './shared.ts';

export interface MapRecord {
  readonly type: number | string;
  readonly key_size?: number;
  readonly value_size?: number;
  readonly max_entries?: number;
  readonly flags?: number;
  readonly inner?: number;
  readonly map_extra?: number;
}
export interface RawRecord {
  readonly prog_type: number | string;
  readonly expected_attach_type?: number | string;
  readonly insns: string;
  readonly license?: string;
  readonly flags?: number;
  readonly maps?: readonly MapRecord[];
  readonly unpriv?: boolean;
  readonly attach_btf?: string;
  /** the kernel mitigates Spectre; the references were made with mitigations=off */
  readonly mitigations?: boolean;
}

let vmlinux: Btf | undefined;
/** Debian's 6.12 kernel BTF. */
export function kernelBtf(): Btf {
  vmlinux ??= Btf.parse(readShared('reference/6.12/vmlinux.btf.gz'));
  return vmlinux;
}
let symbols: Map<string, bigint> | undefined;
/** Debian's 6.12 kallsyms. */
export function kernelSymbol(name: string): bigint | undefined {
  if (symbols === undefined) {
    symbols = new Map();
    for (const line of Buffer.from(readShared('reference/6.12/kallsyms.gz')).toString('latin1').split('\n')) {
      const [address, , symbol] = line.split(' ');
      if (symbol !== undefined && !symbols.has(symbol)) symbols.set(symbol, BigInt(`0x${address}`));
    }
  }
  return symbols.get(name);
}

const BPF_F_SLEEPABLE = 16;
/** attach types that BPF_PROG_LOAD supplies for programs that name none */
const DEFAULT_ATTACH: Readonly<Record<number, string>> = { 9: 'cgroup_inet_sock_create', 21: 'sk_reuseport_select' };
const VALUE_OFFSET = 0x108n;
const ARENA = 33;

function facts(records: readonly MapRecord[], bypassSpecV1: boolean): MapFacts[] {
  const made: MapFacts[] = [];
  records.forEach((m, n) => {
    const address = 0xffff_8880_0000_0000n + BigInt(n) * 0x100_0000n;
    const type = mapType(m.type);
    const inner = m.inner === undefined ? undefined : made[m.inner];
    made.push({
      id: n + 1,
      type,
      name: '',
      keySize: m.key_size ?? 0,
      valueSize: m.value_size ?? 0,
      maxEntries: m.max_entries ?? 0,
      flags: m.flags ?? 0,
      mapExtra: BigInt(m.map_extra ?? 0),
      ...(type === ARENA ? { userAddress: BigInt(m.map_extra ?? 0) } : {}),
      frozen: false,
      bypassSpecV1,
      address,
      ...(type === 2 ? { valueAddress: address + VALUE_OFFSET } : {}),
      ...(inner ? { inner } : {}),
    });
  });
  return made;
}

const priv = { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true };
const unpriv = { bpf: false, perfmon: false, netAdmin: false, sysAdmin: false };

/** Text of instructions with what differs between boots left out: map ids, addresses. */
export function comparable(insns: readonly I.Insn[]): string[] {
  const out: string[] = [];
  for (let at = 0; at < insns.length; at++) {
    const i = insns[at] as I.Insn;
    const next = insns[at + 1];
    if (i.code === I.LD_IMM64 && next) {
      const heap = (next.imm >>> 0) >>> 16 === 0xffff && next.imm >>> 0 < 0xffff_ff00;
      if (i.src === I.BPF_PSEUDO_MAP_FD) out.push(`${i.code.toString(16)} r${i.dst} map`);
      else if (i.src === I.BPF_PSEUDO_MAP_VALUE) out.push(`${i.code.toString(16)} r${i.dst} value ${next.imm}`);
      else if (heap) out.push(`${i.code.toString(16)} r${i.dst} kernel address`);
      else out.push(`${i.code.toString(16)} r${i.dst} s${i.src} ${i.imm} ${next.imm}`);
      out.push('');
      at++;
      continue;
    }
    out.push(`${i.code.toString(16)} r${i.dst} r${i.src} ${i.off} ${i.imm}`);
  }
  return out;
}

export type Outcome =
  | { readonly ok: true; readonly xlated: string[]; readonly program: Rewritten }
  | { readonly ok: false; readonly log: string; readonly errno: string };

/** What our pipeline makes of a record. */
export function pipeline(record: RawRecord): Outcome {
  const maps = facts(record.maps ?? [], !(record.mitigations && record.unpriv));
  const type = progType(record.prog_type);
  // bpf_prog_load_fixup_attach_type()
  const attach = attachType(record.expected_attach_type ?? DEFAULT_ATTACH[type] ?? 0);
  const caps = record.unpriv ? unpriv : priv;
  const btf = kernelBtf();
  const flags = record.flags ?? 0;
  const kernel = makeVerifierKernel(
    { symbol: kernelSymbol, vmlinux: btf, mapByFd: (fd) => maps[fd], cpus: 1 },
    {
      type,
      expectedAttachType: attach,
      scope: {
        caps,
        sleepable: (flags & BPF_F_SLEEPABLE) !== 0,
        ...(record.attach_btf === undefined ? {} : { attachName: record.attach_btf }),
      },
    },
  );
  const attachBtfId =
    record.attach_btf === undefined
      ? 0
      : btf.findByName(attachName(record, attach), attach === 23 ? 'typedef' : 'func');
  const input = {
    insns: I.readInsns(fromHex(record.insns)),
    name: 'test',
    type,
    expectedAttachType: attach,
    flags,
    gpl: (record.license ?? 'GPL') === 'GPL',
    caps,
    logLevel: 2,
    mitigations: record.mitigations ?? false,
    ...(attachBtfId ? { attachBtfId } : {}),
    kernel,
  };
  const result = verify(input);
  if (!result.ok) return result;
  const out = rewriteProgram(result.program, input);
  const dump = dumpInsns({
    insns: out.insns,
    starts: out.funcs.map((f) => f.start),
    maps: maps.map((m) => ({
      id: m.id,
      address: m.address,
      ...(m.valueAddress !== undefined && m.maxEntries === 1
        ? { values: { address: m.valueAddress, size: (m.valueSize + 7) & ~7 } }
        : {}),
    })),
  });
  return { ok: true, xlated: comparable(dump), program: out };
}

const LSM = new Set([27, 43]);
const attachName = (record: RawRecord, attach: number): string =>
  LSM.has(attach) && !record.attach_btf?.startsWith('bpf_lsm_')
    ? `bpf_lsm_${record.attach_btf}`
    : (record.attach_btf ?? '');
