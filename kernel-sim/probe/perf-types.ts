/** What a perf event is, as far as it matters here: `struct perf_event_attr` decoded. */

/** `type` by PMU name, as /sys/bus/event_source/devices has it. */
export type PerfAttr =
  | {
      readonly type: 'kprobe';
      readonly func?: string;
      readonly address?: number;
      readonly offset?: number;
      readonly ret?: boolean;
    }
  | {
      readonly type: 'uprobe';
      readonly path: string;
      readonly offset: number;
      readonly ret?: boolean;
      /** ref_ctr_offset: of a counter in the file */
      readonly refCounter?: number;
    }
  | { readonly type: 'tracepoint'; readonly category: string; readonly event: string }
  | {
      readonly type: 'software' | 'hardware';
      readonly config: number;
      readonly samplePeriod?: number;
      readonly freq?: number;
    };

/** What the attributes say, apart from which event they name. */
export interface PerfOptions {
  readonly sampleType: number;
  readonly readFormat: number;
  readonly samplePeriod: bigint;
  readonly isFreq: boolean;
  readonly disabled: boolean;
  readonly sampleIdAll: boolean;
  /** wakeup_events, or with `watermark` bytes */
  readonly wakeup: number;
  readonly watermark: boolean;
}
export const NO_OPTIONS: PerfOptions = {
  sampleType: 0,
  readFormat: 0,
  samplePeriod: 0n,
  isFreq: false,
  disabled: false,
  sampleIdAll: false,
  wakeup: 0,
  watermark: false,
};
