/** From a row's signature to `struct bpf_func_proto`, parsed when a program first calls the helper. */
import type { ArgType, HelperArg, HelperProto, RetType, TypeFlag } from '../../../src/verifier/kernel.ts';
import type { HelperRow } from './row.ts';

const ARGS: Readonly<Record<string, ArgType>> = {
  ctx: 'ARG_PTR_TO_CTX',
  map: 'ARG_CONST_MAP_PTR',
  key: 'ARG_PTR_TO_MAP_KEY',
  value: 'ARG_PTR_TO_MAP_VALUE',
  mem: 'ARG_PTR_TO_MEM',
  size: 'ARG_CONST_SIZE',
  size0: 'ARG_CONST_SIZE_OR_ZERO',
  alloc_size0: 'ARG_CONST_ALLOC_SIZE_OR_ZERO',
  scalar: 'ARG_SCALAR',
  spin_lock: 'ARG_PTR_TO_SPIN_LOCK',
  sock_common: 'ARG_PTR_TO_SOCK_COMMON',
  btf_sock_common: 'ARG_PTR_TO_BTF_ID_SOCK_COMMON',
  socket: 'ARG_PTR_TO_SOCKET',
  btf: 'ARG_PTR_TO_BTF_ID',
  percpu: 'ARG_PTR_TO_PERCPU_BTF_ID',
  func: 'ARG_PTR_TO_FUNC',
  stack: 'ARG_PTR_TO_STACK',
  str: 'ARG_PTR_TO_CONST_STR',
  timer: 'ARG_PTR_TO_TIMER',
  kptr: 'ARG_KPTR_XCHG_DEST',
  dynptr: 'ARG_PTR_TO_DYNPTR',
  ringbuf: 'ARG_PTR_TO_RINGBUF_MEM',
};
const SCALARS = new Set(['u64', 'u32', 's64', 's32', 'int', 'addr']);

const ARG_FLAGS: Readonly<Record<string, readonly TypeFlag[]>> = {
  const: ['MEM_RDONLY'],
  out: ['MEM_UNINIT', 'MEM_WRITE'],
  inout: ['MEM_WRITE'],
  aligned: ['MEM_ALIGNED'],
  release: ['OBJ_RELEASE'],
  local: ['DYNPTR_TYPE_LOCAL'],
};

const RETURNS: Readonly<Record<string, RetType>> = {
  int: 'RET_INTEGER',
  void: 'RET_VOID',
  value: 'RET_PTR_TO_MAP_VALUE',
  socket: 'RET_PTR_TO_SOCKET',
  tcp_sock: 'RET_PTR_TO_TCP_SOCK',
  sock_common: 'RET_PTR_TO_SOCK_COMMON',
  mem: 'RET_PTR_TO_MEM',
  mem_or_btf: 'RET_PTR_TO_MEM_OR_BTF_ID',
  btf: 'RET_PTR_TO_BTF_ID',
};
const RETURN_FLAGS: Readonly<Record<string, readonly TypeFlag[]>> = {
  const: ['MEM_RDONLY'],
  trusted: ['PTR_TRUSTED'],
  ringbuf: ['MEM_RINGBUF'],
};

/** A row of a table that its notation does not explain. @internal a defect, which every test finds */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
  constructor(row: HelperRow, what: string) {
    super(`helper ${row.id} ${row.name}: '${what}' of '${row.signature}' means nothing`);
  }
}

function parseArg(row: HelperRow, text: string): HelperArg {
  const words = text.split(' ').slice(0, -1);
  let last = words.pop() ?? '';
  const flags: TypeFlag[] = [];
  if (last.endsWith('?')) {
    flags.push('PTR_MAYBE_NULL');
    last = last.slice(0, -1);
  }
  let btfType: string | undefined;
  if (words.at(-1) === 'struct') {
    words.pop();
    btfType = last;
    last = 'btf';
  }
  const fixed = /^(\w+)\[(\d+)\]$/.exec(last);
  if (fixed) {
    last = fixed[1] ?? '';
    flags.push('MEM_FIXED_SIZE');
  }
  for (const word of words) {
    const more = word === 'ringbuf' ? (['DYNPTR_TYPE_RINGBUF'] as const) : ARG_FLAGS[word];
    if (more === undefined) throw new SignatureError(row, text);
    flags.push(...more);
  }
  const type = SCALARS.has(last) ? 'ARG_ANYTHING' : ARGS[last];
  if (type === undefined) throw new SignatureError(row, text);
  return { type, flags, ...(fixed ? { size: Number(fixed[2]) } : {}), ...(btfType === undefined ? {} : { btfType }) };
}

/** @throws SignatureError for a misspelt row */
export function parseProto(row: HelperRow): HelperProto {
  const [, result = '', list = ''] = /^(.*?)\((.*)\)$/.exec(row.signature) ?? [];
  const retFlags: TypeFlag[] = [];
  const words = result.split(' ');
  let base = words.pop() ?? '';
  if (base.endsWith('?')) {
    retFlags.push('PTR_MAYBE_NULL');
    base = base.slice(0, -1);
  }
  let retBtfType: string | undefined;
  if (words.at(-1) === 'struct') {
    words.pop();
    retBtfType = base;
    base = 'btf';
  }
  for (const word of words) {
    const more = RETURN_FLAGS[word];
    if (more === undefined) throw new SignatureError(row, result);
    retFlags.push(...more);
  }
  const ret = RETURNS[base];
  if (ret === undefined) throw new SignatureError(row, result);
  const symbol = row.symbol === undefined ? `bpf_${row.name}` : row.symbol;
  return {
    id: row.id,
    name: row.name,
    gplOnly: row.gpl ?? false,
    pktAccess: row.pkt ?? false,
    mightSleep: row.mightSleep ?? false,
    args:
      list === ''
        ? []
        : list
            .split(', ')
            .filter((a) => a !== '...')
            .map((a) => parseArg(row, a)),
    ret,
    retFlags,
    ...(retBtfType === undefined ? {} : { retBtfType }),
    ...(symbol === null ? {} : { symbol }),
    ...(row.fastcall ? { fastcall: true } : {}),
    ...(row.allowed ? { allowed: row.allowed } : {}),
  };
}
