/** perf_event_open(2): numbers of include/uapi/linux/perf_event.h, Linux 6.12. */

/** `enum perf_type_id` */
export const PERF_TYPE = { HARDWARE: 0, SOFTWARE: 1, TRACEPOINT: 2, HW_CACHE: 3, RAW: 4, BREAKPOINT: 5 } as const;
/** `enum perf_sw_ids` */
export const PERF_COUNT_SW = {
  CPU_CLOCK: 0,
  TASK_CLOCK: 1,
  PAGE_FAULTS: 2,
  CONTEXT_SWITCHES: 3,
  CPU_MIGRATIONS: 4,
  PAGE_FAULTS_MIN: 5,
  PAGE_FAULTS_MAJ: 6,
  ALIGNMENT_FAULTS: 7,
  EMULATION_FAULTS: 8,
  DUMMY: 9,
  BPF_OUTPUT: 10,
  CGROUP_SWITCHES: 11,
  MAX: 12,
} as const;

/** flags of perf_event_open(2) */
export const PERF_FLAG_FD_NO_GROUP = 1;
export const PERF_FLAG_FD_OUTPUT = 2;
export const PERF_FLAG_PID_CGROUP = 4;
export const PERF_FLAG_FD_CLOEXEC = 8;

/** sample_type: which fields records have, in the order in which they have them */
export const PERF_SAMPLE = {
  IP: 1 << 0,
  TID: 1 << 1,
  TIME: 1 << 2,
  ADDR: 1 << 3,
  READ: 1 << 4,
  CALLCHAIN: 1 << 5,
  ID: 1 << 6,
  CPU: 1 << 7,
  PERIOD: 1 << 8,
  STREAM_ID: 1 << 9,
  RAW: 1 << 10,
  IDENTIFIER: 1 << 16,
} as const;

/** read_format: what read(2) gives */
export const PERF_FORMAT = { TOTAL_TIME_ENABLED: 1, TOTAL_TIME_RUNNING: 2, ID: 4, GROUP: 8, LOST: 16 } as const;

/** requests of ioctl(2): _IO, _IOW and _IOR of '$' */
export const PERF_EVENT_IOC = {
  ENABLE: 0x2400,
  DISABLE: 0x2401,
  REFRESH: 0x2402,
  RESET: 0x2403,
  PERIOD: 0x4008_2404,
  SET_OUTPUT: 0x2405,
  SET_FILTER: 0x4008_2406,
  ID: 0x8008_2407,
  SET_BPF: 0x4004_2408,
  PAUSE_OUTPUT: 0x4004_2409,
  QUERY_BPF: 0xc008_240a,
  MODIFY_ATTRIBUTES: 0x4008_240b,
} as const;

/** `enum perf_event_type`: records of a ring */
export const PERF_RECORD = { LOST: 2, SAMPLE: 9 } as const;
/** misc of a record: where it happened */
export const PERF_RECORD_MISC_KERNEL = 1;
export const PERF_RECORD_MISC_USER = 2;
