/** A kernel of tables for loading objects: bpf(2) as far as the verifier and the rewrites need it, nothing runs. */

import { dumpInsns } from '../../kernel-sim/bpf/prog/dump.ts';
import { makeVerifierKernel } from '../../kernel-sim/bpf/prog/verifier-kernel.ts';
import { Btf } from '../../src/btf/index.ts';
import { type Insn, readInsns } from '../../src/isa/index.ts';
import type { MapCreateRequest, MapHandle, ObjectKernel, ProgLoadRequest } from '../../src/object/index.ts';
import { verify } from '../../src/verifier/index.ts';
import type { MapFacts } from '../../src/verifier/kernel.ts';
import { type Rewritten, rewriteProgram } from '../../src/verifier/rewrite/index.ts';
import { kernelBtf, kernelSymbol } from './rewrite.ts';
import { readShared } from './shared.ts';

export type LoadOutcome =
  | { readonly ok: true; readonly insns: readonly Insn[]; readonly log: string; readonly program: Rewritten }
  | { readonly ok: false; readonly errno: string; readonly log: string }
  | { readonly ok: false; readonly errno: 'crash'; readonly log: string };

const ALL = { bpf: true, perfmon: true, netAdmin: true, sysAdmin: true };
const LSM = new Set([27, 43]);
const EXT = 28;

class FakeMap implements MapHandle {
  readonly fd: number;
  facts: MapFacts;
  readonly values = new Map<string, Uint8Array>();
  constructor(fd: number, facts: MapFacts) {
    this.fd = fd;
    this.facts = facts;
  }
  update(key: Uint8Array, value: Uint8Array): void {
    this.values.set(Buffer.from(key).toString('hex'), value.slice());
  }
  lookup(key: Uint8Array): Uint8Array | undefined {
    return this.values.get(Buffer.from(key).toString('hex'));
  }
  delete(): void {}
  entries(): Iterable<readonly [Uint8Array, Uint8Array]> {
    return [];
  }
  freeze(): void {
    const value = [...this.values.values()][0];
    this.facts = {
      ...this.facts,
      frozen: true,
      readConst: (off, size) => {
        if (value === undefined) return 0n;
        let out = 0n;
        for (let n = size - 1; n >= 0; n--) out = (out << 8n) | BigInt(value[off + n] ?? 0);
        return out;
      },
    };
  }
}

export class TableKernel implements ObjectKernel {
  readonly cpus = 1;
  readonly release = '6.12.117+deb12-amd64';
  readonly btf = kernelBtf();
  readonly config = Buffer.from(readShared('reference/6.12/config.gz')).toString('utf8');
  readonly symbols = {
    address: (name: string): number | undefined => {
      const at = kernelSymbol(name);
      return at === undefined ? undefined : Number(BigInt.asIntN(64, at));
    },
  };
  readonly outcomes = new Map<string, LoadOutcome>();
  readonly logLevel: number;
  readonly #fds = new Map<number, FakeMap | Btf | ProgLoadRequest>();
  #next = 3;

  constructor(logLevel = 0) {
    this.logLevel = logLevel;
  }

  #open(object: FakeMap | Btf | ProgLoadRequest): number {
    const fd = this.#next++;
    this.#fds.set(fd, object);
    return fd;
  }

  readonly bpf = {
    btfLoad: (bytes: Uint8Array) => ({ fd: this.#open(Btf.parse(bytes)) }),
    mapCreate: (r: MapCreateRequest): FakeMap => this.#mapCreate(r),
    progLoad: (r: ProgLoadRequest) => this.#progLoad(r),
  };

  #mapCreate(r: MapCreateRequest): FakeMap {
    const fd = this.#next++;
    const address = 0xffff_8880_0000_0000n + BigInt(fd) * 0x1_0000_0000n;
    const inner = r.innerMap === undefined ? undefined : this.#fds.get(r.innerMap);
    const btf = r.btf === undefined ? undefined : this.#fds.get(r.btf);
    const map = new FakeMap(fd, {
      id: fd,
      type: r.type,
      name: r.name,
      keySize: r.keySize,
      valueSize: r.valueSize,
      maxEntries: r.maxEntries,
      flags: r.flags,
      mapExtra: r.mapExtra ?? 0n,
      frozen: false,
      address,
      ...(r.btfKeyTypeId === undefined ? {} : { btfKeyTypeId: r.btfKeyTypeId }),
      ...(r.btfValueTypeId === undefined ? {} : { btfValueTypeId: r.btfValueTypeId }),
      ...(r.type === 2 ? { valueAddress: address + 0x108n } : {}),
      ...(r.type === 33 ? { userAddress: 0x1000_0000_0000n } : {}),
      ...(inner instanceof FakeMap ? { inner: inner.facts } : {}),
      ...(btf instanceof Btf ? { btf } : {}),
    });
    this.#fds.set(fd, map);
    return map;
  }

  #facts(fd: number): MapFacts | undefined {
    const object = this.#fds.get(fd);
    return object instanceof FakeMap ? object.facts : undefined;
  }

  #progLoad(r: ProgLoadRequest): { fd: number } {
    this.outcomes.set(r.name, this.#outcome(r));
    return { fd: this.#open(r) };
  }

  #outcome(r: ProgLoadRequest): LoadOutcome {
    const btf = r.btf === undefined ? undefined : this.#fds.get(r.btf);
    const type = r.attachBtf ? this.btf.typeById(r.attachBtf) : undefined;
    const attachName = type && 'name' in type ? String(type.name) : undefined;
    const scope = {
      caps: ALL,
      sleepable: (r.flags & 16) !== 0,
      ...(attachName === undefined ? {} : { attachName: LSM.has(r.expectedAttachType) ? attachName : attachName }),
    };
    const target = r.type === EXT ? { type: 3, expectedAttachType: 0 } : undefined;
    const kernel = makeVerifierKernel(
      {
        symbol: kernelSymbol,
        vmlinux: this.btf,
        mapByFd: (fd) => this.#facts(fd),
        cpus: 1,
        structMeta: (_, id) => 0xffff_8881_0000_0000n + BigInt(id) * 64n,
      },
      { type: r.type, expectedAttachType: r.expectedAttachType, scope, ...(target ? { target } : {}) },
    );
    const input = {
      insns: readInsns(r.insns),
      name: r.name,
      type: r.type,
      expectedAttachType: r.expectedAttachType,
      flags: r.flags,
      gpl:
        r.license === 'GPL' || r.license === 'Dual BSD/GPL' || r.license === 'GPL v2' || r.license === 'Dual MIT/GPL',
      caps: ALL,
      logLevel: this.logLevel,
      ...(btf instanceof Btf ? { btf } : {}),
      ...(r.funcInfo ? { funcInfo: r.funcInfo.map((f) => ({ insnOff: f.insnOff, typeId: f.typeId })) } : {}),
      ...(r.lineInfo
        ? {
            lineInfo: r.lineInfo.map((l) => ({
              insnOff: l.insnOff,
              fileNameOff: l.fileNameOff,
              lineOff: l.lineOff,
              lineCol: l.lineCol,
            })),
          }
        : {}),
      ...(r.attachBtf ? { attachBtfId: r.attachBtf } : {}),
      kernel,
    };
    try {
      const result = verify(input);
      if (!result.ok) return result;
      const out = rewriteProgram(result.program, input, { progAux: 0xffff_c900_0001_2000n });
      const insns = dumpInsns({
        insns: out.insns,
        starts: out.funcs.map((f) => f.start),
        maps: result.program.usedMaps.map((m) => ({
          id: m.id,
          address: m.address,
          ...(m.valueAddress !== undefined && (m.type === 33 || m.maxEntries === 1)
            ? { values: { address: m.valueAddress, size: (m.valueSize + 7) & ~7 } }
            : {}),
        })),
      });
      return { ok: true, insns, log: result.log, program: out };
    } catch (error) {
      return {
        ok: false,
        errno: 'crash',
        log: error instanceof Error ? (error.stack ?? error.message) : String(error),
      };
    }
  }
}
