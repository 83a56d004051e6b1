/** Numbers of devices by the names of their nodes (Linux 6.12 Documentation/admin-guide/devices.txt). */
export interface DeviceNode {
  readonly block: boolean;
  readonly major: number;
  readonly minor: number;
}
const char = (major: number, minor: number): DeviceNode => ({ block: false, major, minor });
const block = (major: number, minor: number): DeviceNode => ({ block: true, major, minor });

const NODES: Readonly<Record<string, DeviceNode>> = {
  mem: char(1, 1),
  port: char(1, 4),
  null: char(1, 3),
  zero: char(1, 5),
  full: char(1, 7),
  random: char(1, 8),
  urandom: char(1, 9),
  kmsg: char(1, 11),
  tty: char(5, 0),
  console: char(5, 1),
  ptmx: char(5, 2),
  'pts/ptmx': char(5, 2),
  rtc: char(10, 135),
  rtc0: char(10, 135),
  fuse: char(10, 229),
  'net/tun': char(10, 200),
  kvm: char(10, 232),
  'loop-control': char(10, 237),
};
/** nodes whose number follows their name */
const NUMBERED: readonly (readonly [name: RegExp, node: (n: number) => DeviceNode])[] = [
  [/^tty(\d+)$/, (n) => char(4, n)],
  [/^ttyS(\d+)$/, (n) => char(4, 64 + n)],
  [/^pts\/(\d+)$/, (n) => char(136, n)],
  [/^loop(\d+)$/, (n) => block(7, n)],
  [/^ram(\d+)$/, (n) => block(1, n)],
];

/** The device that a path below /dev names; undefined where it is none that is known. */
export function deviceNode(path: string): DeviceNode | undefined {
  if (!path.startsWith('/dev/')) return undefined;
  const name = path.slice('/dev/'.length);
  if (Object.hasOwn(NODES, name)) return NODES[name];
  for (const [pattern, node] of NUMBERED) {
    const match = pattern.exec(name);
    if (match) return node(Number(match[1]));
  }
  return undefined;
}
