/** Lines that differ between two texts, as diff -u shows them: the shortest edit (Myers, "An O(ND) Difference Algorithm", 1986). */

type Edit = readonly [mark: ' ' | '-' | '+', line: string];

/** More differences than this are not looked into: one text is taken for the other. */
const MOST_EDITS = 2000;

/** The way through both texts with the fewest lines that are in one only. */
function edits(a: readonly string[], b: readonly string[]): Edit[] {
  const trail: Map<number, number>[] = [];
  let furthest = new Map([[1, 0]]);
  for (let d = 0; d <= Math.min(a.length + b.length, MOST_EDITS); d++) {
    trail.push(furthest);
    const next = new Map(furthest);
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
      let x = down ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      next.set(k, x);
      if (k === a.length - b.length && x >= a.length) return walkBack(a, b, trail, d);
    }
    furthest = next;
  }
  return [...a.map((line): Edit => ['-', line]), ...b.map((line): Edit => ['+', line])];
}

function walkBack(
  a: readonly string[],
  b: readonly string[],
  trail: readonly Map<number, number>[],
  depth: number,
): Edit[] {
  const out: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let d = depth; d >= 0; d--) {
    const furthest = trail[d] as Map<number, number>;
    const k = x - y;
    const down = k === -d || (k !== d && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
    const from = down ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : (furthest.get(from) ?? 0);
    const fromY = d === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY && x > 0 && y > 0) {
      y--;
      out.push([' ', a[--x] as string]);
    }
    if (d > 0) out.push(down ? ['+', b[--y] as string] : ['-', a[--x] as string]);
  }
  return out.reverse();
}

/** Hunks with lines of context around them; none where both are equal. */
export function unified(a: readonly string[], b: readonly string[], context = 3): string[] {
  const all = edits(a, b);
  const changed = all.flatMap(([mark], n) => (mark === ' ' ? [] : [n]));
  if (changed.length === 0) return [];
  const shown = new Set(changed.flatMap((n) => Array.from({ length: 2 * context + 1 }, (_, i) => n - context + i)));
  const out: string[] = [];
  let [lineA, lineB] = [1, 1];
  all.forEach(([mark, line], n) => {
    if (shown.has(n)) {
      if (n === 0 || !shown.has(n - 1)) out.push(`@@ -${lineA} +${lineB} @@`);
      out.push(`${mark}${line}`);
    }
    if (mark !== '+') lineA++;
    if (mark !== '-') lineB++;
  });
  return out;
}
