/** What deciding about translation is made of: one of each for a machine. */
import { Functions } from './functions.ts';
import { Gate } from './gate.ts';
import { IndirectCalls } from './indirect.ts';
import { Learned } from './learned.ts';
import { Policy } from './policy.ts';
import { Runs } from './runs.ts';
import { Sites } from './sites.ts';
import type { Host, TranslatorOptions } from './translation.ts';
import { Translations } from './translations.ts';

export interface Parts {
  readonly host: Host;
  readonly options: TranslatorOptions;
  readonly translations: Translations;
  readonly functions: Functions;
  readonly learned: Learned;
  readonly indirect: IndirectCalls;
  readonly runs: Runs;
  readonly sites: Sites;
  readonly gate: Gate;
  readonly policy: Policy;
}

export function makeParts(host: Host, options: TranslatorOptions): Parts {
  const learned = new Learned();
  const runs = new Runs(host.memory);
  return {
    host,
    options,
    translations: new Translations(host.memory, options.threshold),
    functions: new Functions(host, options, learned),
    learned,
    indirect: new IndirectCalls(),
    runs,
    sites: new Sites(runs),
    gate: new Gate(host, runs),
    policy: new Policy(options.patience),
  };
}
