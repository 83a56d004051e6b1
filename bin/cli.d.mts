/** Builds the command line into a folder that has `bin`. */
export function buildCli(installed: string): Promise<void>;
