/** What refusals are about: each message that has a meaning belongs to a topic, the first whose patterns it meets. */
import { calls } from './calls.ts';
import { memory } from './memory.ts';
import { state } from './state.ts';
import type { Topic } from './topic.ts';
import { values } from './values.ts';

export type { Topic };

/** What is narrow stands in front of what is wide. */
export const topics: readonly Topic[] = [...state, ...memory, ...values, ...calls];

/** The topic of a message of the verifier. */
export function topicOf(message: string): Topic | undefined {
  return ORDER.find((topic) => topic.messages.some((pattern) => pattern.test(message)));
}

const named = (name: string): Topic => topics.find((t) => t.name === name) as Topic;
/** Words of several topics may stand in one message: the one that decides is asked first. */
const FIRST = ['relocation', 'gpl', 'too-large', 'loop', 'stack-size', 'sleepable', 'null-check', 'helper-not-allowed'];
const LAST = ['special-fields', 'functions', 'argument-type'];
const ORDER: readonly Topic[] = [
  ...FIRST.map(named),
  ...topics.filter((t) => !FIRST.includes(t.name) && !LAST.includes(t.name)),
  ...LAST.map(named),
];
