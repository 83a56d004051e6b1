/** The kernel's own files, each file system over the rooms that know what it says. */
import type { BpfState } from './bpf/objects/state.ts';
import { cgroupMount } from './cgroup/mount.ts';
import { ERRNO } from './core/errno.ts';
import type { Sysctl } from './core/sysctl.ts';
import { BUILDER, RELEASE, VERSION } from './data/release.ts';
import type { PlacesFloor } from './floors/places.ts';
import { PMU_TYPE } from './probe/perf-attr.ts';
import { kallsymsText } from './sym/kallsyms-text.ts';
import { mapsLine } from './user/address-space.ts';
import { bpffsMount } from './vfs/bpffs-node.ts';
import { debugMounts } from './vfs/debugfs.ts';
import { MAGIC } from './vfs/magic.ts';
import { Mounts } from './vfs/mounts.ts';
import { text } from './vfs/nodes.ts';
import { procMounts, type SysctlValue } from './vfs/proc.ts';
import { sysMounts } from './vfs/sys.ts';
import type { MadeEvents } from './vfs/tracefs/made-events.ts';
import { tracefsMounts } from './vfs/tracefs/tracefs.ts';

/** `perf_event_attr.type` by PMU, as a 6.12 without a hardware PMU numbers them. */
const PMU_TYPES = { software: 1, tracepoint: 2, breakpoint: 5, ...PMU_TYPE, msr: 10 } as const;

export interface FilesNeeds {
  readonly kernel: PlacesFloor;
  readonly bpf: BpfState;
  readonly config: () => string;
  /** the kernel's BTF as bytes */
  readonly btf: () => Uint8Array;
  /** the symbols are those that the project ships */
  readonly isShipped: boolean;
  readonly tracePipe: { read(): string; header(): string };
  readonly missing: (what: string) => void;
}

/** what kconfig writes above its lines, by which readers know the file */
const CONFIG_HEAD = [
  '#',
  '# Automatically generated file; DO NOT EDIT.',
  `# Linux/x86 ${RELEASE.replace(/\+.*/, '')} Kernel Configuration`,
  '#\n',
].join('\n');

/** /proc/PID/maps */
const mapsOf = ({ tasks, root }: PlacesFloor, pid: number): string | undefined => {
  const task = pid === 0 ? undefined : tasks.find(pid);
  return task?.maps?.areas.map((area) => mapsLine(area, (path) => root.find(path)?.ino ?? 0)).join('');
};

/** Kinds of symbols that ftrace can hook. */
const TRACEABLE = /[esb]/i;

function sysctls(values: Sysctl): Record<string, SysctlValue> {
  const read = (get: () => number): SysctlValue => ({ get });
  type Setting =
    | 'unprivilegedBpfDisabled'
    | 'kptrRestrict'
    | 'perfEventParanoid'
    | 'bpfStatsEnabled'
    | 'perfEventMaxStack'
    | 'perfEventMaxSampleRate';
  const setting = (name: Setting, low: number, high: number): SysctlValue => ({
    get: () => values[name],
    set: (value) => {
      if (value < low || value > high) return false;
      values[name] = value;
      return true;
    },
  });
  return {
    'kernel/unprivileged_bpf_disabled': setting('unprivilegedBpfDisabled', 0, 2),
    'kernel/kptr_restrict': setting('kptrRestrict', 0, 2),
    'kernel/perf_event_paranoid': setting('perfEventParanoid', -1, 4),
    'kernel/bpf_stats_enabled': setting('bpfStatsEnabled', 0, 1),
    'kernel/perf_event_max_stack': setting('perfEventMaxStack', 0, 640 * 1024),
    'kernel/perf_event_max_sample_rate': setting('perfEventMaxSampleRate', 1, 2 ** 31 - 1),
    'kernel/perf_event_mlock_kb': read(() => values.perfEventMlockKb),
    'kernel/randomize_va_space': read(() => 0),
    'kernel/ftrace_enabled': read(() => 1),
    'net/core/bpf_jit_enable': read(() => 1),
    'net/core/bpf_jit_harden': read(() => 0),
    'net/core/bpf_jit_kallsyms': read(() => 1),
    'net/core/bpf_jit_limit': read(() => 528_482_304),
  };
}

export function kernelFiles(needs: FilesNeeds, made: MadeEvents): Mounts {
  const { kernel, bpf, tracePipe } = needs;
  const { symbols, probes, trace } = kernel;
  const mounts = new Mounts();
  mounts.mount(
    ...procMounts({
      kallsyms: () => kallsymsText(symbols, needs.isShipped),
      version: `Linux version ${RELEASE} ${BUILDER} ${VERSION}`,
      sysctls: sysctls(kernel.sysctl),
      pids: () => Array.from(kernel.tasks.all(), (task) => task.pid).filter((pid) => pid !== 0),
      netns: () => kernel.net.namespace,
      maps: (pid) => mapsOf(kernel, pid),
    }),
    ...sysMounts({ cpus: kernel.cpus, btf: needs.btf, pmus: PMU_TYPES }),
    ...tracefsMounts({
      read: () => tracePipe.read(),
      header: () => tracePipe.header(),
      onLine: (told) => trace.told.add(told),
      mark: () => {
        needs.missing('trace_marker');
        return -ERRNO.EOPNOTSUPP;
      },
      kprobes: made.kprobes,
      uprobes: made.uprobes,
      traceable: () => [
        ...symbols.everyFunction().filter((s) => TRACEABLE.test(s.kind ?? '')),
        ...[...symbols.all()].filter((s) => s.module === kernel.rootfs && s.module !== undefined && s.kind !== 'd'),
      ],
      patched: () => probes.patched.map((at) => symbols.at(at)?.name ?? ''),
      missing: needs.missing,
    }),
    ...debugMounts({
      blacklist: () => symbols.everyFunction().filter((s) => /[A-Z]/.test(s.kind ?? '')),
      kprobes: () => [],
    }),
    bpffsMount(bpf.bpffs),
    cgroupMount(kernel.cgroups, kernel.tasks),
    {
      path: `/boot/config-${RELEASE}`,
      node: text(() => CONFIG_HEAD + needs.config(), { mode: 0o644 }),
      magic: MAGIC.EXT4,
    },
  );
  return mounts;
}
