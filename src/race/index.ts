/** Programs that share maps, at the same time: every order of few switches, and what goes wrong in it. */
import { type Bounds, Explorer, type RaceSetting, type Verdict } from './explore.ts';

export { type Bounds, type Finding, type Played, play, type RaceSetting, type Verdict, type Wrong } from './explore.ts';
export type { Point } from './points.ts';
export { ASSERT_FAILED, makeRace, type Race, type Racer } from './race.ts';
export { readSchedule, type Schedule, type Segment, scheduleText } from './schedule.ts';

/** Looks for the shortest schedule that goes wrong. The kernel is afterwards as it was. */
export const explore = (setting: RaceSetting, bounds: Bounds): Verdict => new Explorer(setting, bounds).explore();
