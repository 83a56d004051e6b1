/** sysfs, as far as tools of BPF look: types of the kernel, processors, PMUs. */
import { MAGIC } from './magic.ts';
import { directory, text } from './nodes.ts';
import type { Mount } from './types.ts';

export interface SysFacts {
  readonly cpus: number;
  /** /sys/kernel/btf/vmlinux */
  readonly btf: () => Uint8Array;
  /** types of perf_event_attr by PMU name */
  readonly pmus: Readonly<Record<string, number>>;
}

const range = (cpus: number): string => (cpus === 1 ? '0\n' : `0-${cpus - 1}\n`);

/** Formats of the PMUs that have any. */
const FORMATS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  kprobe: { retprobe: 'config:0\n' },
  uprobe: { ref_ctr_offset: 'config:32-63\n', retprobe: 'config:0\n' },
};

export function sysMounts({ cpus, btf, pmus }: SysFacts): Mount[] {
  let size: number | undefined;
  const vmlinux = text(btf, { size: () => (size ??= btf().length) });
  const pmu = (name: string, type: number) => {
    const format = Object.entries(FORMATS[name] ?? {});
    return directory({
      type: text(() => `${type}\n`),
      ...(format.length > 0
        ? { format: directory(Object.fromEntries(format.map(([f, value]) => [f, text(() => value)]))) }
        : {}),
    });
  };
  const devices = directory(
    Object.fromEntries(Object.entries(pmus).map(([name, type]) => [name, () => pmu(name, type)])),
  );
  const cpu = (name: string, value: string): Mount => ({
    path: `/sys/devices/system/cpu/${name}`,
    node: text(() => value),
    magic: MAGIC.SYSFS,
  });
  return [
    { path: '/sys/kernel/btf', node: directory({ vmlinux }), magic: MAGIC.SYSFS },
    { path: '/sys/bus/event_source/devices', node: devices, magic: MAGIC.SYSFS },
    cpu('online', range(cpus)),
    cpu('possible', range(cpus)),
    cpu('present', range(cpus)),
    cpu('kernel_max', '8191\n'),
  ];
}
