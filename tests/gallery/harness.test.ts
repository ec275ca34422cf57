/** What the gallery says of a run must be able to be no. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Evidence } from './harness/evidence.ts';
import { brokenBy, toldBy, wrongPromotions, type Rogue } from './harness/rogue.ts';
import { galleryTable } from './harness/table.ts';
import { questionIn, truthOf } from './harness/world.ts';
import { ROGUES } from './rogues/index.ts';

const rate = (share: number) => ({ rate: share, correct: 0, total: 0, low: 0, high: 0 });
const checkpoint = (id: number, final: number, guard: number) =>
  ({ id, final: rate(final), guard: rate(guard), target: null }) as NonNullable<Evidence['report']['base']>;

const evidence = (changes: Partial<Evidence> = {}): Evidence =>
  ({
    report: { status: 'completed', base: checkpoint(1, 0.5, 0.9), best: checkpoint(1, 0.5, 0.9) },
    shown: 'why: 3 > 2',
    trained: { wrong: 0, total: 5 },
    verdicts: [{ sampleId: 7, gate: 'length', reason: 'too long' }],
    why: async (id: number) => (id === 7 ? 'length: too long' : ''),
    ...changes,
  }) as Evidence;

const rogue: Rogue = {
  name: 'one | two',
  does: 'something',
  stoppedBy: 'a gate',
  reaches: { what: 'wrong examples', count: ({ trained }) => trained.wrong },
  tells: [
    { where: 'report', what: /\d > \d/ },
    { where: 'why', what: /too long/ },
  ],
  arm: () => {
    throw new Error('not run');
  },
  without: { what: 'nothing', input: {} },
};

it('finds nothing broken in a run that was stopped', async () => {
  expect(brokenBy(rogue, evidence())).toEqual([]);
  expect(await toldBy(rogue, evidence())).toEqual({ told: ['3 > 2', 'too long'], missing: [] });
});

it('names what got through, an end that was not expected, and what else does not hold', () => {
  const report = { ...evidence().report, status: 'parked' as const, statusReason: 'no endpoint' };
  const strict = { ...rogue, alsoBroken: () => ['something else'] };
  expect(brokenBy(strict, evidence({ report, trained: { wrong: 2, total: 5 } }))).toEqual([
    'the run is parked: no endpoint',
    '2 wrong examples',
    'something else',
  ]);
  expect(brokenBy({ ...rogue, ends: 'parked' }, evidence({ report }))).toEqual([]);
});

it('takes a promotion for wrong that gained nothing on final, or fell on a guard', () => {
  const base = checkpoint(1, 0.5, 0.9);
  expect(wrongPromotions({ base, best: checkpoint(2, 0.6, 0.88) })).toEqual([]);
  expect(wrongPromotions({ base, best: checkpoint(2, 0.5, 0.9) })).toHaveLength(1);
  expect(wrongPromotions({ base, best: checkpoint(2, 0.6, 0.86) })).toHaveLength(1);
  expect(wrongPromotions({ base, best: null })).toHaveLength(1);
});

it('believes only what the user was shown', async () => {
  expect((await toldBy(rogue, evidence({ shown: '' }))).missing).toEqual([
    'the report does not say /\\d > \\d/',
  ]);
  // Stored, and not shown.
  const hidden = evidence({ why: async () => 'no reason' });
  expect((await toldBy(rogue, hidden)).missing).toEqual(['`ratchet why` does not say /too long/']);
});

it('knows the truth of every kind of prompt, in whatever it is wrapped', () => {
  expect(truthOf('Box number 3 holds 1121 pens and is given 49 more. …')).toBe('1170');
  expect(questionIn('===== PROBLEM =====\n1| Hall number 2 has 14 rows')).toMatchObject({
    kind: 'guard',
    truth: 98,
  });
  expect(truthOf('12+30')).toBe('42');
  expect(truthOf('what?')).toBeUndefined();
});

it('writes a table that a cell can not break', () => {
  const result = { rogue, broken: [], told: ['fp_12ab'], further: 3, seconds: 1, defended: evidence() };
  const lines = galleryTable([result]).split('\n');
  expect(lines).toHaveLength(3);
  expect(lines[2]).toContain('one \\| two');
  expect(lines[2]).toContain('“fp_…”');
  expect(lines[2]).toContain('nothing: 3 wrong examples');
});

it('docs/safety.md has every rogue in its table', () => {
  const page = readFileSync(new URL('../../docs/safety.md', import.meta.url), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| **'));
  expect(rows.map((row) => /^\| \*\*(.*?)\*\*/.exec(row)?.[1])).toEqual(ROGUES.map(({ name }) => name));
  expect(rows.every((row) => row.includes('✓'))).toBe(true);
});
