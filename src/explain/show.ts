/** Topics as text: what `ebpf-emu explain` prints. */
import { nearest } from '../errors/near.ts';
import { explainRejection } from './index.ts';
import { type Topic, topicOf, topics } from './topics/index.ts';

const WIDTH = 96;

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= WIDTH) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line].join('\n');
}

const indented = (text: string): string => text.replace(/^(?=.)/gm, '    ');

export function topicText(topic: Topic): string {
  return `${topic.name}: ${topic.title}

${wrapped(topic.about)}

Refused:

${indented(topic.wrong)}

Accepted:

${indented(topic.right)}
`;
}

/** All topics, a line each. */
export function topicList(): string {
  const width = Math.max(...topics.map((t) => t.name.length));
  return topics.map((t) => `  ${t.name.padEnd(width)}  ${t.title}\n`).join('');
}

/** Of a message or a whole log: what it means, and its topic. undefined where it is neither a topic nor a known message */
export function explained(words: string): string | undefined {
  const topic = topics.find((t) => t.name === words.toLowerCase().replaceAll(/[ _]+/g, '-'));
  if (topic) return topicText(topic);
  const { message, meaning } = explainRejection(words);
  const about = topicOf(message);
  if (meaning === undefined && !about) return undefined;
  const parts = [
    ...(message === words.trim() ? [] : [message]),
    ...(meaning ? [wrapped(meaning)] : []),
    ...(about ? [topicText(about)] : []),
  ];
  return `${parts.join('\n\n').trimEnd()}\n`;
}

/** Names of topics that are near what was asked for. */
export const nearTopics = (words: string): readonly string[] =>
  nearest(
    words.toLowerCase(),
    topics.map((t) => t.name),
    3,
  );
