/** A request to a disk as ftrace shows it: queued, issued, completed by the disk's interrupt. */
import { type Act, type Chance, event } from './script.ts';

/** virtio's block device, 254,0, is the disk of all workloads */
const DEV = '254,0';

export function* request(
  chance: Chance,
  rwbs: 'R' | 'W' | 'WS' | 'FF',
  sector: number,
  sectors: number,
  ns: number,
): Generator<Act> {
  const fields = { dev: DEV, rwbs, sector: String(sector), nr_sector: String(sectors), error: '0' };
  yield event(chance.between(1_000, 5_000), 'block_bio_queue', fields);
  if (chance.below(3) === 0) yield event(1_000, 'block_rq_insert', fields);
  yield event(chance.between(1_000, 30_000), 'block_rq_issue', fields);
  yield event(ns, 'block_rq_complete', fields);
}
