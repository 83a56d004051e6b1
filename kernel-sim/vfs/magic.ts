/** Magic numbers of file systems, include/uapi/linux/magic.h. */
export const MAGIC = {
  PROC: 0x9fa0,
  SYSFS: 0x62656572,
  TRACEFS: 0x74726163,
  DEBUGFS: 0x64626720,
  BPFFS: 0xcafe4a11,
  CGROUP2: 0x63677270,
  EXT4: 0xef53,
} as const;
