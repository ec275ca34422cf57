import { expect, test } from 'vitest';
import { slowestFiles } from '../../cli/test-results.ts';

test('the longest files are named first', () => {
  const file = (name: string, seconds: number) => {
    return {
      name: `/a/tests/${name}.test.ts`,
      startTime: 5000,
      endTime: 5000 + seconds * 1000,
      status: 'passed',
      assertionResults: [],
    };
  };
  const json = JSON.stringify({
    testResults: [file('web/pages', 12.4), file('loop/vote', 1), file('chaos/matrix', 208)],
  });
  expect(slowestFiles(json, 2)).toEqual(['  208 s  chaos/matrix', '   12 s  web/pages']);
});
