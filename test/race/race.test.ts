/** Programs at the same time: fixtures/race/counter.bpf.c counts up in three ways, and takes what may be gone. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BpfObject, Kernel } from '../../src/index.ts';
import { explore, makeRace, play, type Race, readSchedule, scheduleText } from '../../src/race/index.ts';
import { cli } from '../support/cli.ts';

const bytes = readFileSync(new URL('../../fixtures/race/counter.bpf.o', import.meta.url));
const BOUNDS = { switches: 2, schedules: 5000 };

async function raceOf(...names: string[]): Promise<Race> {
  const kernel = await Kernel.boot({ engine: 'step', cpus: Math.max(2, names.length) });
  const loaded = BpfObject.open(bytes).load(kernel, { programs: [...new Set(names)] });
  return makeRace(kernel, loaded, names, names[0] === 'count_locked' ? { dataIn: new Uint8Array(64) } : {});
}

describe('a counter that two CPUs count up', () => {
  it('loses an update where it is read, changed and written back', async () => {
    const race = await raceOf('count_plain', 'count_plain');
    const { finding, serial } = explore(race, BOUNDS);
    expect(serial).toHaveLength(1);
    expect(serial[0]).toContain('plain = 2');
    expect(finding).toMatchObject({ switches: 1, wrong: { kind: 'lost update' } });
    const schedule = finding?.schedule ?? [];
    // the schedule by its text does the same again
    const again = readSchedule(scheduleText(schedule), 2) ?? [];
    expect(again).toEqual(schedule);
    const played = play(race, again);
    expect(played.map(({ segment, ended }) => `${segment.thread} ${ended}`)).toEqual(['0 point', '1 end', '0 end']);
    expect(played.flatMap(({ points }) => points.map((p) => p.text.replace(/^\(..\) /, '')))).toEqual([
      'r2 = *(u64 *)(r1 +0)',
      'r2 = *(u64 *)(r1 +0)',
      '*(u64 *)(r1 +0) = r2',
      '*(u64 *)(r1 +0) = r2',
    ]);
    expect(race.end().state).toContain('plain = 1');
  });

  it.each([
    ['one instruction does it', 'count_atomic'],
    ['a spin lock keeps the other out', 'count_locked'],
  ])('loses none where %s', async (_, name) => {
    const race = await raceOf(name, name);
    const verdict = explore(race, BOUNDS);
    expect(verdict).toMatchObject({ finding: undefined, isPartial: false });
    expect(verdict.schedules).toBeGreaterThan(10);
  });

  it('has a right end with three, found among all orders of two switches', async () => {
    const race = await raceOf('count_atomic', 'count_atomic', 'count_plain');
    expect(explore(race, { switches: 1, schedules: 5000 })).toMatchObject({ finding: undefined });
  });
});

describe('an assertion', () => {
  it('that a program writes to assert_failed is found with the fewest switches', async () => {
    const { finding } = explore(await raceOf('take', 'take'), BOUNDS);
    expect(finding).toMatchObject({ switches: 1, wrong: { kind: 'assertion', value: '1' } });
  });
});

describe('schedules', () => {
  it('are read as they are written, and nothing else is', () => {
    expect(readSchedule('0:3,1,0', 2)).toEqual([
      { thread: 0, points: 3 },
      { thread: 1, points: undefined },
      { thread: 0, points: undefined },
    ]);
    for (const text of ['', '2', '0:0', '0;1', '0:x', 'a', '0:1,']) expect(readSchedule(text, 2)).toBeUndefined();
  });
});

describe('ebpf-emu race', () => {
  it('prints the shortest schedule that goes wrong, and executes one that it is given', async () => {
    const file = 'fixtures/race/counter.bpf.o';
    const found = await cli('race', file, '-p', 'count_plain');
    expect(found.code).toBe(1);
    expect(found.stdout).toContain('lost update');
    expect(found.stdout).toContain(`ebpf-emu race ${file} -p count_plain --schedule 0:2,1,0`);
    const again = await cli('race', file, '-p', 'count_plain', '--schedule', '0:2,1,0');
    expect(again.code).toBe(0);
    expect(again.stdout).toContain('  plain = 1\n');
    const wrong = await cli('race', file, '-p', 'count_plain', '--schedule', '7');
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/it reads PROGRAM\[:POINTS\]/);
  });
});
