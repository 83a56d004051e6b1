/**
 * What the verifier is told of this kernel: helper tables, contexts, map operations, kfuncs and
 * symbols, joined behind one interface. One is made for each PROG_LOAD, as the loader's
 * capabilities and the attach target decide with the program type.
 */

import type { Btf } from '../../../src/btf/index.ts';
import { KernelError } from '../../../src/errors/index.ts';
import type {
  ContextModel,
  HelperProto,
  HelperScope,
  KfuncFacts,
  MapFacts,
  VerifierKernel,
} from '../../../src/verifier/kernel.ts';
import { rawTracepointArg } from '../../data/raw-tracepoints.ts';
import { type ContextEnv, iterTarget, layoutOf, pointerModel, type StructLayout } from '../context/index.ts';
import { helperAllowed } from '../helpers/allowed.ts';
import { helperName, helperRows, lookupHelper, protoOf } from '../helpers/index.ts';
import { lsmHook } from '../helpers/lsm-hooks.ts';
import { lookupKfunc } from '../kfuncs/index.ts';
import { mapGenLookup, mapOpSymbol } from '../maps/table.ts';
import { structOpsMember } from '../struct-ops/member.ts';
import { contextModel } from './types.ts';

/** What the rest of the kernel supplies. */
export interface VerifierHost {
  /** address of a kernel symbol */
  symbol(name: string): bigint | undefined;
  readonly vmlinux: Btf | undefined;
  mapByFd(fd: number): MapFacts | undefined;
  isOpenFd?(fd: number): boolean;
  readonly cpus: number;
  /** address of the `struct btf_struct_meta` of a type in a program's BTF */
  structMeta?(btf: Btf, typeId: number): bigint;
}

/** The program to be loaded. */
export interface VerifierProgram {
  readonly type: number;
  readonly expectedAttachType: number;
  readonly scope: HelperScope;
  /** BPF_PROG_TYPE_EXT: what it replaces a function of, whose helpers and context it has */
  readonly target?: { readonly type: number; readonly expectedAttachType: number };
}

const layouts = new WeakMap<Btf, StructLayout>();
/** A layout for each BTF, so that offsets are looked up once. */
function layoutFor(btf: Btf | undefined): StructLayout {
  if (btf === undefined) {
    return {
      field: (struct, member) => {
        throw new KernelError('ENOENT', `no kernel BTF is active, so where ${struct}.${member} lies is unknown`, {
          hint: "boot with a kernel's BTF: the option btf, --btf on the command line",
        });
      },
    };
  }
  let layout = layouts.get(btf);
  if (layout === undefined) {
    layout = layoutOf(btf);
    layouts.set(btf, layout);
  }
  return layout;
}

const CALL_BASE = '__bpf_call_base';
const EXT = 28;
const LSM = 29;
/** Functions that sleepable tracing programs may attach to: without error injection, those of the kernel's own tests. */
const SLEEPABLE_FUNCTIONS = new Set(['bpf_fentry_test1']);
/** Functions that fmod_ret programs may attach to: register_btf_fmodret_id_set() of net/bpf/test_run.c and net/socket.c. */
const MODIFIABLE_FUNCTIONS = new Set([
  'bpf_modify_return_test',
  'bpf_modify_return_test2',
  'bpf_modify_return_test_tp',
  'bpf_fentry_test1',
  'update_socket_protocol',
]);

export function makeVerifierKernel(host: VerifierHost, program: VerifierProgram): VerifierKernel {
  const callBase = host.symbol(CALL_BASE) ?? 0n;
  const env: ContextEnv = {
    layout: { field: (struct, member) => layoutFor(host.vmlinux).field(struct, member) },
    symbol: (name) => host.symbol(name),
    callBase,
    attach: program.expectedAttachType,
    scope: program.scope,
  };
  // A context remembers what a program has accessed, so there is one for each program.
  const contexts = new Map<number, ContextModel | undefined>();
  const pointers = new Map<string, ContextModel | undefined>();
  const typeOf = (type: number): number => (type === EXT && program.target ? program.target.type : type);
  const attachOf = (type: number, attach: number): number =>
    type === EXT && program.target ? program.target.expectedAttachType : attach;

  return {
    callBase,
    get vmlinux() {
      return host.vmlinux;
    },
    cpus: host.cpus,
    helper: (id, type, attach, scope = program.scope) =>
      lookupHelper(id, {
        type: typeOf(type),
        expectedAttachType: attachOf(type, attach),
        ...(scope.caps ? { caps: scope.caps } : {}),
        ...(scope.sleepable === undefined ? {} : { sleepable: scope.sleepable }),
        ...(scope.attachName === undefined ? {} : { attachName: scope.attachName }),
        ...(scope.member === undefined ? {} : { member: scope.member }),
      }),
    helperName,
    helperAllowed: (proto, attach, scope) => helperAllowed(proto, attach, scope),
    protoAddress: (proto: HelperProto) => (proto.symbol === undefined ? undefined : host.symbol(proto.symbol)),
    helperAddress: (id) => {
      for (const row of helperRows(id)) {
        const { symbol } = protoOf(row);
        const address = symbol === undefined ? undefined : host.symbol(symbol);
        if (address !== undefined) return address;
      }
      return undefined;
    },
    context: (type, attach) => {
      const of = typeOf(type);
      if (!contexts.has(of)) contexts.set(of, contextModel(of, { ...env, attach: attachOf(type, attach) }));
      return contexts.get(of);
    },
    pointer: (regType) => {
      if (!pointers.has(regType)) pointers.set(regType, pointerModel(regType, env));
      return pointers.get(regType);
    },
    mapGenLookup: (map) => mapGenLookup(env, map),
    mapOp: (map, op) => {
      const symbol = mapOpSymbol(map.type, op);
      return symbol === undefined ? undefined : host.symbol(symbol);
    },
    mapByFd: (fd) => host.mapByFd(fd),
    ...(host.isOpenFd ? { isOpenFd: (fd: number) => host.isOpenFd?.(fd) ?? false } : {}),
    ...(host.structMeta ? { structMeta: (btf: Btf, typeId: number) => host.structMeta?.(btf, typeId) ?? 0n } : {}),
    kfunc: (btfId, type): KfuncFacts | undefined => lookupKfunc(host, btfId, typeOf(type), program.expectedAttachType),
    symbolAddress: (name) => host.symbol(name),
    maySleepAt: (func, type) => (type === LSM ? (lsmHook(func)?.isSleepable ?? false) : SLEEPABLE_FUNCTIONS.has(func)),
    mayReplaceResult: (func) => MODIFIABLE_FUNCTIONS.has(func),
    lsmHook,
    rawTracepointArg,
    iterTarget,
    structOpsMember: (typeId, member) => structOpsMember(host.vmlinux, typeId, member),
  };
}
