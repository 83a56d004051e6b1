// What every bundle of the sources has in common: the library, the command line, the benchmark.
export const bundle = { bundle: true, platform: 'node', target: 'node20', minifySyntax: true, logLevel: 'warning' };
