/** Options of `dump`, whichever of its listings is asked for. */
import type { JitedOptions } from '../listing/jited.ts';
import type { KernelOptions } from '../session.ts';

export interface DumpOptions extends KernelOptions, JitedOptions {
  readonly format: 'raw' | 'c';
  readonly json?: boolean;
  /** jited: addresses, bytes and symbols instead of bpftool's form */
  readonly addresses?: boolean;
  readonly visual?: boolean;
  readonly annotate?: boolean;
  /** file that the annotated listing goes to, as HTML */
  readonly html?: string;
  /** text, trampoline: objects that are attached */
  readonly attached?: readonly string[];
  readonly replay?: string;
}
