/** Near matches for a name that does not exist. */

/** Candidates by edit distance, at most a third of the name away; one that contains the name counts as near. */
export function nearest(name: string, candidates: Iterable<string>, count: number): string[] {
  const limit = Math.max(2, Math.floor(name.length / 3));
  const found: { name: string; distance: number }[] = [];
  for (const c of candidates) {
    const apart = Math.abs(c.length - name.length);
    let distance: number;
    if (c.includes(name)) distance = 1 + apart / 20;
    else if (apart > limit) continue;
    else distance = editDistance(name, c, limit);
    if (distance <= limit) found.push({ name: c, distance });
  }
  found.sort((a, b) => a.distance - b.distance || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
  return found.slice(0, count).map((f) => f.name);
}

/** `; near it: openat, openat2`, as messages go on after a name that is not there; nothing where nothing is near. */
export const nearIt = (near: readonly string[]): string => (near.length === 0 ? '' : `; near it: ${near.join(', ')}`);

/** The same of the three nearest among the names that there are. */
export const nearestText = (name: string, names: Iterable<string>): string => nearIt(nearest(name, names, 3));

/** The same for few names: where none is near, all are told. */
export const nearestOrAll = (name: string, names: readonly string[]): string =>
  nearestText(name, names) || `; there are: ${names.join(', ') || 'none'}`;

/** Levenshtein's, given up as soon as it must exceed `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const d = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
      next.push(d);
      if (d < best) best = d;
    }
    if (best > limit) return Number.POSITIVE_INFINITY;
    row = next;
  }
  return row[b.length] as number;
}
