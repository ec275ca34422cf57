/** examples/tracking: the numbers that both scripts take from a report are those that MLflow gets. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pointsOf } from '../../app/tracking/numbers.ts';
import type { IterationReport, Report } from '../../app/report/types.ts';

const score = (rate: number) => ({ correct: rate * 10, total: 10, rate, low: 0, high: 1 });
const ends = { id: 1, model: 'm', path: null, fingerprint: null, guard: score(0.9) };
const iteration = (index: number, rate: number, decision: string | null) =>
  ({
    iteration: index,
    target: score(rate),
    guard: score(0.9),
    final: null,
    before: score(0.5),
    decision,
    pValue: 0.01,
    prompts: 16,
    samples: 128,
    agreement: 0.8,
    accepted: 7,
    examples: 9,
    pseudoLabelPrecision: null,
    seconds: 3,
    promptTokens: 10,
    completionTokens: 20,
    trainedTokens: 30,
    cost: null,
    roi: null,
  }) as unknown as IterationReport;
const report = {
  run: 'r',
  task: 'sums',
  experiment: 'none',
  status: 'completed',
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-02T00:00:00.000Z',
  base: { ...ends, iteration: 0, target: score(0.5), final: score(0.4) },
  best: { ...ends, iteration: 1, target: score(0.7), final: score(0.6) },
  iterations: [iteration(1, 0.7, 'promote'), iteration(2, 0.6, 'discard'), iteration(3, 0.2, null)],
} as unknown as Report;

it('scores, counts and decisions by step, as MLflow has them', () => {
  const script = 'import json, sys, report; print(json.dumps(report.points(json.load(sys.stdin))))';
  const { stdout, stderr } = spawnSync('python3', ['-c', script], {
    cwd: join(import.meta.dirname, '../../examples/tracking'),
    input: JSON.stringify(report),
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  expect(stderr).toBe('');
  const decidedAt = new Map([1, 2].map((index) => [index, new Date(`2026-01-01T0${index}:00:00Z`)]));
  const points = pointsOf(report, decidedAt);
  const own = points
    .filter(({ key }) => key !== 'score.before')
    .map(({ key, step, value }) => [
      key.replace('score.', 'score/').replace('tokens.', 'tokens/'),
      step,
      value,
    ]);
  const sorted = (all: unknown[]) => all.map((one) => JSON.stringify(one)).toSorted();
  expect(sorted(JSON.parse(stdout) as unknown[])).toEqual(sorted(own));
  expect(own).toContainEqual(['score/final', 2, 0.6]);
  expect(new Set(points.map(({ step }) => step))).toEqual(new Set([0, 1, 2]));
});
