/** A program's way into the kernel, before anything runs: the object file, and what the verifier said. */
import type { LogView } from '../debug/index.ts';
import type { Inspection } from '../object/index.ts';

export interface SectionRow {
  readonly index: number;
  readonly name: string;
  readonly type: string;
  /** as readelf has them: `AX`, `WA` */
  readonly flags: string;
  readonly offset: number;
  readonly size: number;
}

export interface Verdict {
  readonly program: string;
  readonly accepted: boolean;
  /** the verifier's last words, and what they mean to the author */
  readonly message: string;
  readonly meaning: string | null | undefined;
}

export interface Story {
  /** `hello.o` */
  readonly name: string;
  readonly sections: readonly SectionRow[];
  readonly inspection: Inspection;
  readonly verdict: Verdict;
  readonly log: LogView;
  /** C sources by the names that the log has: `rejected.c` */
  readonly source: (file: string) => string | undefined;
  /** index of the step of the log at which one stands */
  step: number;
}
