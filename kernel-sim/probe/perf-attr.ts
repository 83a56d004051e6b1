/** `struct perf_event_attr` by its bytes: `perf_copy_attr` of Linux 6.12, kernel/events/core.c, and which event it names. */
import { type Addr, addrOf } from '../../src/machine/addr.ts';
import { decodeUtf8 } from '../../src/platform/index.ts';
import { PATH_MAX } from '../../src/uapi/fcntl.ts';
import { PERF_COUNT_SW, PERF_TYPE } from '../../src/uapi/index.ts';
import { KernelError } from '../core/errno.ts';
import type { Process } from '../core/process.ts';
import { readUserString } from '../core/user-access.ts';
import { eventById } from '../trace/formats.ts';
import type { PerfAttr, PerfOptions } from './perf-types.ts';

/** sizeof(struct perf_event_attr): in 6.12, and in its first version */
export const ATTR_SIZE = 136;
const SIZE_VER0 = 64;
const PAGE = 4096;

const F = {
  type: 0,
  size: 4,
  config: 8,
  sample_period: 16,
  sample_type: 24,
  read_format: 32,
  bits: 40,
  wakeup: 48,
  config1: 56,
  config2: 64,
  reserved_2: 110,
  reserved_3: 116,
};
/** bits of the word behind read_format */
const BIT = { disabled: 0, freq: 10, enable_on_exec: 12, watermark: 14, sample_id_all: 18, write_backward: 27 };
const RESERVED_1 = 38n;
const SAMPLE_MAX = 1n << 25n;
const FORMAT_MAX = 1n << 5n;
/** MAX_FILTER_STR_VAL's neighbours: KSYM_NAME_LEN and PATH_MAX */
const KSYM_NAME_LEN = 512;

/** Types of the dynamic PMUs, as /sys/bus/event_source/devices has them. */
export const PMU_TYPE = { kprobe: 8, uprobe: 9 } as const;
const RETPROBE = 1n;
/** PERF_UPROBE_REF_CTR_OFFSET_SHIFT */
const REF_CTR_SHIFT = 32n;

export class AttrBytes {
  readonly #view: DataView;
  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }
  pointer(at: number): Addr {
    return addrOf(this.#view.getInt32(at, true), this.#view.getInt32(at + 4, true));
  }
  bit(n: number): boolean {
    return ((this.u64(F.bits) >> BigInt(n)) & 1n) === 1n;
  }
  get type(): number {
    return this.u32(F.type);
  }
  get config(): bigint {
    return this.u64(F.config);
  }
  get options(): PerfOptions {
    return {
      sampleType: Number(this.u64(F.sample_type)),
      readFormat: Number(this.u64(F.read_format)),
      samplePeriod: this.u64(F.sample_period),
      isFreq: this.bit(BIT.freq),
      disabled: this.bit(BIT.disabled),
      sampleIdAll: this.bit(BIT.sample_id_all),
      wakeup: this.u32(F.wakeup),
      watermark: this.bit(BIT.watermark),
    };
  }
  /** Fields that no kernel of this version knows must be zero. */
  get isKnown(): boolean {
    if (this.u64(F.bits) >> RESERVED_1 !== 0n) return false;
    if (this.#view.getUint16(F.reserved_2, true) !== 0 || this.u32(F.reserved_3) >>> 3 !== 0) return false;
    return this.u64(F.sample_type) < SAMPLE_MAX && this.u64(F.read_format) < FORMAT_MAX;
  }
}

/** Copies the caller's structure, of whatever size; a size that is none gives the kernel's back. @throws KernelError E2BIG, EFAULT, EINVAL */
export function copyAttr({ memory }: Process, at: Addr): AttrBytes {
  const fault = (): never => {
    throw new KernelError('EFAULT', 'the attributes cannot be read');
  };
  const bad = (what: string): never => {
    memory.write(at + F.size, Uint8Array.of(ATTR_SIZE, 0, 0, 0));
    throw new KernelError('E2BIG', what);
  };
  const word = memory.read(at + F.size, 4) ?? fault();
  const size = new DataView(word.buffer, word.byteOffset).getUint32(0, true) || SIZE_VER0;
  if (size < SIZE_VER0 || size > PAGE) bad(`a perf_event_attr of ${size} bytes`);
  const given = memory.read(at, size) ?? fault();
  if (given.subarray(ATTR_SIZE).some((b) => b !== 0))
    bad(`a perf_event_attr of ${size} bytes, of which ${ATTR_SIZE} are known`);
  const bytes = new Uint8Array(ATTR_SIZE);
  bytes.set(given.subarray(0, ATTR_SIZE));
  const attr = new AttrBytes(bytes);
  if (!attr.isKnown) throw new KernelError('EINVAL', 'a reserved field of perf_event_attr is set');
  return attr;
}

/** The event that the attributes name. @throws KernelError ENOENT, EINVAL, EFAULT */
export function eventOf(attr: AttrBytes, process: Process): PerfAttr {
  const { options, config } = attr;
  const sampling = options.isFreq
    ? { freq: Number(options.samplePeriod) }
    : { samplePeriod: Number(options.samplePeriod) };
  switch (attr.type) {
    case PERF_TYPE.HARDWARE:
      return { type: 'hardware', config: Number(config), ...sampling };
    case PERF_TYPE.SOFTWARE:
      if (config >= BigInt(PERF_COUNT_SW.MAX)) throw new KernelError('ENOENT', `no software event ${config}`);
      return { type: 'software', config: Number(config), ...sampling };
    case PERF_TYPE.TRACEPOINT: {
      const name = eventById(Number(config));
      if (name === undefined) throw new KernelError('EINVAL', `no trace event has the id ${config}`);
      const colon = name.indexOf(':');
      return { type: 'tracepoint', category: name.slice(0, colon), event: name.slice(colon + 1) };
    }
    case PMU_TYPE.kprobe:
      return kprobe(attr, process);
    case PMU_TYPE.uprobe: {
      const path = text(attr, process, PATH_MAX);
      if (path === undefined || path === '') throw new KernelError('EINVAL', 'no path');
      const ret = (config & RETPROBE) !== 0n;
      return {
        type: 'uprobe',
        path,
        offset: Number(attr.u64(F.config2)),
        ret,
        refCounter: Number(config >> REF_CTR_SHIFT),
      };
    }
    default:
      throw new KernelError('ENOENT', `no PMU of type ${attr.type}`);
  }
}

function kprobe(attr: AttrBytes, process: Process): PerfAttr {
  const ret = (attr.config & RETPROBE) !== 0n;
  const func = text(attr, process, KSYM_NAME_LEN);
  if (func === undefined || func === '') return { type: 'kprobe', address: attr.pointer(F.config2), ret };
  return { type: 'kprobe', func, offset: Number(attr.u64(F.config2)), ret };
}

/** The string behind kprobe_func or uprobe_path; undefined where there is none. */
function text(attr: AttrBytes, process: Process, max: number): string | undefined {
  const at = attr.pointer(F.config1);
  if (at === 0) return undefined;
  const bytes = readUserString(process.memory, at, max);
  if (bytes === undefined) throw new KernelError('EFAULT', 'the name of what is probed');
  if (bytes.length === max) throw new KernelError('EINVAL', 'the name of what is probed is too long');
  return decodeUtf8(bytes);
}
