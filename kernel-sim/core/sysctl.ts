/** Values below /proc/sys/kernel that BPF and perf heed (Linux 6.12 Documentation/admin-guide/sysctl/kernel.rst), as Debian boots with them. */
export class Sysctl {
  /** 0: everyone may call bpf(2), 1: nobody without CAP_BPF, for good, 2: likewise until it is set to 0 again */
  unprivilegedBpfDisabled = 2;
  /** 0: addresses are shown by {@link perfEventParanoid}'s rule, 1: to those with CAP_SYSLOG, 2: to nobody */
  kptrRestrict = 0;
  /** above 1 kernel events need CAP_PERFMON; Debian's 3 forbids all others, too */
  perfEventParanoid = 3;
  /** run time and count of programs are kept */
  bpfStatsEnabled = 0;
  /** descriptors of BPF_ENABLE_STATS, which keep them too */
  bpfStatsHolders = 0;
  /** KiB of a ring that an unprivileged user may map */
  perfEventMlockKb = 516;
  perfEventMaxSampleRate = 100_000;
  perfEventMaxStack = 127;

  save() {
    return { ...this };
  }
  restore(values: ReturnType<Sysctl['save']>): void {
    Object.assign(this, values);
  }
}
