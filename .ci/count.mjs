// count.mjs RESULTS.json ...: the tests that vitest's JSON reports count, as one line at the end; exit code 1 unless all passed
import { readFileSync } from 'node:fs';

const reports = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const sum = (key) => reports.reduce((n, report) => n + report[key], 0);
// a test file that cannot be loaded has no tests to fail
const broken = reports
  .flatMap((report) => report.testResults)
  .filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')).length;
const failed = sum('numFailedTests') + broken;
console.log(`${sum('numPendingTests')} skipped`);
console.log(`${sum('numPassedTests')} passed, ${failed} failed`);
process.exit(reports.length < 2 || failed > 0 ? 1 : 0);
