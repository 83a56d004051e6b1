/** /sys/kernel/tracing/events: a directory a category, in it one an event. */
import { ERRNO } from '../../core/errno.ts';
import { control, directory, listing, text } from '../nodes.ts';
import type { Node } from '../types.ts';

export interface EventFiles {
  /** the kernel's own, and those that were made: category to event to format */
  readonly categories: () => ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** told by name that something was asked for which the model has not */
  readonly missing: (what: string) => void;
}

/** An event's lines in `trace` are made by ftrace's own handlers, of which the model has none. */
const enable = (what: string, missing: (what: string) => void): Node =>
  control({
    read: () => '0\n',
    write: (value) => {
      if (value.trim() === '0') return 0;
      missing(`ftrace's own output of ${what} (write to its enable file)`);
      return -ERRNO.EOPNOTSUPP;
    },
  });

const none = (read: string): Node => control({ read: () => read, write: () => -ERRNO.EINVAL });

export function eventsDirectory({ categories, missing }: EventFiles): Node {
  const event = (category: string, name: string, format: string): Node => {
    const id = /^ID: (\d+)$/m.exec(format)?.[1] ?? '0';
    const what = `${category}:${name}`;
    return directory({
      enable: enable(what, missing),
      filter: none('none\n'),
      format: text(() => format, { mode: 0o440 }),
      id: text(() => `${id}\n`, { mode: 0o440 }),
      trigger: none('# Available triggers:\n# traceon traceoff snapshot stacktrace enable_event disable_event\n'),
    });
  };
  return listing(
    () => ['enable', ...categories().keys()],
    (category) => {
      if (category === 'enable') return enable('all events', missing);
      const events = categories().get(category);
      return (
        events &&
        listing(
          () => ['enable', 'filter', ...events.keys()],
          (name) => {
            if (name === 'enable') return enable(category, missing);
            if (name === 'filter') return none('none\n');
            const format = events.get(name);
            return format === undefined ? undefined : event(category, name, format);
          },
        )
      );
    },
  );
}
