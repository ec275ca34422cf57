import { expect, test } from 'vitest';
import { logicalWeek } from '../../loop/logical-week.ts';

test.each([
  // The days around a new year, as ISO 8601 counts them.
  ['2026-12-31T12:00:00Z', '2026-W53'],
  ['2027-01-03T12:00:00Z', '2026-W53'],
  ['2027-01-04T12:00:00Z', '2027-W01'],
  ['2024-12-29T12:00:00Z', '2024-W52'],
  ['2024-12-30T12:00:00Z', '2025-W01'],
  ['2023-01-01T12:00:00Z', '2022-W52'],
  ['2021-01-03T12:00:00Z', '2020-W53'],
  ['2026-01-01T12:00:00Z', '2026-W01'],
  ['2026-11-22T03:00:00Z', '2026-W47'],
  ['2026-11-23T03:00:00Z', '2026-W48'],
])('%s is in the week %s', (time, week) => {
  expect(logicalWeek(new Date(time), 'UTC')).toBe(week);
});

test('the week is that of the calendar where the schedule lives', () => {
  const mondayInTokyo = new Date('2026-11-22T18:00:00Z');
  expect(logicalWeek(mondayInTokyo, 'Asia/Tokyo')).toBe('2026-W48');
  expect(logicalWeek(mondayInTokyo, 'America/Los_Angeles')).toBe('2026-W47');
  const newYear = new Date('2027-01-04T05:00:00Z');
  expect(logicalWeek(newYear, 'Europe/Berlin')).toBe('2027-W01');
  expect(logicalWeek(newYear, 'America/New_York')).toBe('2027-W01');
  expect(logicalWeek(newYear, 'America/Los_Angeles')).toBe('2026-W53');
});
