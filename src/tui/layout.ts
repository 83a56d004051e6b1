/** Where panes stand on a screen of a size: rows and columns that share their borders. */

export type PaneName =
  | 'source'
  | 'bpf'
  | 'x86'
  | 'registers'
  | 'calls'
  | 'verifier'
  | 'maps'
  | 'stack'
  | 'patch'
  | 'trace'
  | 'object'
  | 'log'
  | 'states'
  | 'lines'
  | 'xlated'
  | 'jited'
  | 'help';

/** `size` is a share of what there is; `fixed` cells of text are taken first. */
export type Node = { readonly size?: number; readonly fixed?: number } & (
  | { readonly pane: PaneName }
  | { readonly across: readonly Node[] }
  | { readonly down: readonly Node[] }
);

/** Borders included: the first and the last row and column of it, which neighbours share. */
export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}
export interface Placed extends Rect {
  readonly pane: PaneName;
}

export function place(node: Node, rect: Rect): Placed[] {
  if ('pane' in node) return [{ pane: node.pane, ...rect }];
  const isAcross = 'across' in node;
  const parts = isAcross ? node.across : node.down;
  const all = (isAcross ? rect.w : rect.h) - 1;
  const fixed = parts.reduce((n, p) => n + (p.fixed === undefined ? 0 : p.fixed + 1), 0);
  const shares = parts.reduce((n, p) => n + (p.fixed === undefined ? (p.size ?? 1) : 0), 0);
  const out: Placed[] = [];
  let from = 0;
  let share = 0;
  let taken = 0;
  for (const [n, part] of parts.entries()) {
    if (part.fixed === undefined) share += part.size ?? 1;
    else taken += part.fixed + 1;
    const to = n === parts.length - 1 ? all : taken + Math.round(((all - fixed) * share) / Math.max(1, shares));
    const length = Math.max(2, to - from + 1);
    out.push(
      ...place(
        part,
        isAcross
          ? { x: rect.x + from, y: rect.y, w: length, h: rect.h }
          : { x: rect.x, y: rect.y + from, w: rect.w, h: length },
      ),
    );
    from = to;
  }
  return out;
}

/** Without the panes that are hidden; undefined where none is left. */
export function without(node: Node, hidden: ReadonlySet<PaneName>): Node | undefined {
  if ('pane' in node) return hidden.has(node.pane) ? undefined : node;
  const keep = (parts: readonly Node[]): Node[] =>
    parts.map((p) => without(p, hidden)).filter((p): p is Node => p !== undefined);
  const sizes = {
    ...(node.size === undefined ? {} : { size: node.size }),
    ...(node.fixed === undefined ? {} : { fixed: node.fixed }),
  };
  if ('across' in node) {
    const across = keep(node.across);
    return across.length === 0 ? undefined : { ...sizes, across };
  }
  const down = keep(node.down);
  return down.length === 0 ? undefined : { ...sizes, down };
}

export type Axis = 'across' | 'down';
/** How much larger a pane is than the layout has it, in each direction. */
export type Sizes = ReadonlyMap<PaneName, Readonly<Record<Axis, number>>>;

/** With the sizes that panes were given: each changes its share in the closest row, or column, that it is part of. */
export function resized(node: Node, sizes: Sizes): Node {
  let out = node;
  for (const [pane, { across, down }] of sizes) {
    if (across !== 1) out = scaled(out, pane, 'across', across);
    if (down !== 1) out = scaled(out, pane, 'down', down);
  }
  return out;
}

function scaled(node: Node, pane: PaneName, axis: Axis, by: number): Node {
  if ('pane' in node) return node;
  const own: Axis = 'across' in node ? 'across' : 'down';
  const parts = 'across' in node ? node.across : node.down;
  const at = parts.findIndex((p) => panesOf(p).includes(pane));
  if (at < 0) return node;
  const inner = scaled(parts[at] as Node, pane, axis, by);
  const isInner = inner !== parts[at];
  // one part has all that there is, whatever its share
  const changed = isInner || own !== axis || parts.length < 2 ? inner : larger(inner, by);
  if (changed === parts[at]) return node;
  const all = parts.with(at, changed);
  const size = {
    ...(node.size === undefined ? {} : { size: node.size }),
    ...(node.fixed === undefined ? {} : { fixed: node.fixed }),
  };
  return own === 'across' ? { ...size, across: all } : { ...size, down: all };
}
function larger(node: Node, by: number): Node {
  if (node.fixed !== undefined) return { ...node, fixed: Math.max(1, Math.round(node.fixed * by)) };
  return { ...node, size: (node.size ?? 1) * by };
}

export const panesOf = (node: Node): PaneName[] =>
  'pane' in node ? [node.pane] : ('across' in node ? node.across : node.down).flatMap(panesOf);
