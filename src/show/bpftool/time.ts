/** Moments as bpftool writes them: `%FT%T%z` of strftime(3). The model's wall clock is UTC. */
export function timeText(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}+0000`;
}
