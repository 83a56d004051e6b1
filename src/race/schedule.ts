/**
 * A schedule: which program executes, and how far, one segment after the other. `0:3,1,0` reads: program 0 up to its third
 * point, program 1 to its end, program 0 to its end. Points are counted from where the segment began. A program that waits
 * for a spin lock ends its segment there.
 */
export interface Segment {
  readonly thread: number;
  /** undefined: to its end */
  readonly points: number | undefined;
}
export type Schedule = readonly Segment[];

export const scheduleText = (schedule: Schedule): string =>
  schedule.map(({ thread, points }) => (points === undefined ? `${thread}` : `${thread}:${points}`)).join(',');

/** undefined for text that is no schedule of so many programs */
export function readSchedule(text: string, threads: number): Schedule | undefined {
  const segments: Segment[] = [];
  for (const piece of text.split(',')) {
    const m = /^(\d{1,2})(?::(\d{1,6}))?$/.exec(piece.trim());
    if (!m || Number(m[1]) >= threads || m[2] === '0') return undefined;
    segments.push({ thread: Number(m[1]), points: m[2] === undefined ? undefined : Number(m[2]) });
  }
  return segments;
}
