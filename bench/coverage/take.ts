/**
 * A worker of vitest is stopped before it would write its coverage, or while it does: it is written after its file of tests, and not
 * once more at its end.
 */
import v8 from 'node:v8';
import { afterAll } from 'vitest';

afterAll(() => {
  v8.takeCoverage();
  v8.stopCoverage();
});
