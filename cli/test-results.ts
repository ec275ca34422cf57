/** The counts of a test runner, read from what it writes for machines. */
import { readFileSync } from 'node:fs';

export type Counts = { passed: number; failed: number; skipped: number };

export function addCounts(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}

/** `N passed, N failed`, and how many were skipped when any were. */
export function countsLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

/** A runner that crashed (no results, or an error exit without a failed test) counts as one failure. */
export function withCrash(
  counts: Counts | undefined,
  exitCode: number,
): { counts: Counts; crashed: boolean } {
  if (!counts) return { counts: { passed: 0, failed: 1, skipped: 0 }, crashed: true };
  if (exitCode !== 0 && counts.failed === 0) return { counts: { ...counts, failed: 1 }, crashed: true };
  return { counts, crashed: false };
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

type VitestResult = {
  testResults: {
    /** Path. */
    name: string;
    startTime: number;
    endTime: number;
    status: string;
    assertionResults: { status: string }[];
  }[];
};

/** The files that took longest, first the longest, as `12 s  web/pages`: where to look when the suite becomes too long. */
export function slowestFiles(json: string, most = 12): string[] {
  return (JSON.parse(json) as VitestResult).testResults
    .map(({ name, startTime, endTime }) => ({ name, seconds: Math.round((endTime - startTime) / 1000) }))
    .toSorted((one, other) => other.seconds - one.seconds)
    .slice(0, most)
    .map(
      ({ name, seconds }) =>
        `${String(seconds).padStart(5)} s  ${/tests\/(.*)\.test\.ts$/.exec(name)?.[1] ?? name}`,
    );
}

/** A test file that could not even be loaded has no tests: it counts as one failure. */
export function vitestCounts(json: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of (JSON.parse(json) as VitestResult).testResults) {
    const before = counts.failed;
    for (const { status } of file.assertionResults) {
      if (status === 'passed') counts.passed += 1;
      else if (status === 'failed') counts.failed += 1;
      else counts.skipped += 1;
    }
    if (file.status === 'failed' && counts.failed === before) counts.failed += 1;
  }
  return counts;
}

/** JUnit XML as pytest writes it: the counts stand on each <testsuite>. */
export function junitCounts(xml: string): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [suite] of xml.matchAll(/<testsuite\s[^>]*>/g)) {
    const attribute = (name: string) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = attribute('failures') + attribute('errors');
    const skipped = attribute('skipped');
    counts.failed += failed;
    counts.skipped += skipped;
    counts.passed += Math.max(0, attribute('tests') - failed - skipped);
  }
  return counts;
}

/** What a result file says; undefined when the runner left none that can be read. */
export function readResults<T>(file: string, parse: (text: string) => T): T | undefined {
  const text = read(file);
  if (!text) return undefined;
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
