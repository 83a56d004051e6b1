/** A command with examples, which its help and the man page show. */
import { Command } from 'commander';

/**
 * Commands by name: each adds itself. `behind`: operands behind `--`, of which commander tells nobody how many there were;
 * undefined where there is none.
 */
export type Commands = Readonly<Record<string, (cli: EmuCommand, behind: number | undefined) => void>>;

export interface Example {
  readonly command: string;
  readonly what: string;
}

export class EmuCommand extends Command {
  readonly #examples: Example[] = [];
  #paged = false;

  override createCommand(name?: string): EmuCommand {
    return new EmuCommand(name);
  }
  /** Subcommands without those that only scripts call. */
  get shownCommands(): readonly EmuCommand[] {
    const visible = new Set(this.createHelp().visibleCommands(this));
    return (this.commands as readonly EmuCommand[]).filter((c) => visible.has(c));
  }
  get shownExamples(): readonly Example[] {
    return this.#examples;
  }
  /** `['ebpf-emu load hello.o', 'what that does']`, shown below the options. */
  example(command: string, what: string): this {
    if (this.#examples.length === 0) this.addHelpText('after', () => this.#text());
    this.#examples.push({ command, what });
    return this;
  }
  /** What it prints may be long: on a terminal it goes through a pager. */
  paged(): this {
    this.#paged = true;
    return this;
  }
  get isPaged(): boolean {
    return this.#paged;
  }
  #text(): string {
    const lines = this.#examples.map(({ command, what }) => `  # ${what}\n  ${command}`);
    return `\nExamples:\n${lines.join('\n\n')}`;
  }
}
