import { expect, test } from 'vitest';
import {
  durationMs,
  durationWords,
  timingFromFlags,
  zonedText,
  zonedTime,
} from '../../app/schedules/spec.ts';
import { UsageError } from '../../process/errors.ts';

test.each([
  ['Sun 03:00', ['SUNDAY'], 3, 0],
  ['sunday 23:59', ['SUNDAY'], 23, 59],
  ['  Mon,  thurs  7:05 ', ['MONDAY', 'THURSDAY'], 7, 5],
  ['Tue,Tuesday 00:00', ['TUESDAY'], 0, 0],
])('--weekly %j', (weekly, dayOfWeek, hour, minute) => {
  expect(timingFromFlags({ weekly, timezone: 'Europe/Berlin' })).toEqual({
    spec: { calendars: [{ dayOfWeek, hour, minute }], timezone: 'Europe/Berlin' },
    timeZone: 'Europe/Berlin',
    rhythm: 'weekly',
  });
});

test('the other rhythms', () => {
  const spec = (flags: object) => timingFromFlags({ ...flags, timezone: 'UTC' }).spec;
  expect(spec({ daily: '03:30' }).calendars).toEqual([{ hour: 3, minute: 30 }]);
  expect(spec({ every: '6h' }).intervals).toEqual([{ every: 21_600_000 }]);
  expect(spec({ cron: '0 3 * * 1' }).cronExpressions).toEqual(['0 3 * * 1 #cron 0 3 * * 1']);
  expect(spec({ cron: '@weekly' }).cronExpressions).toEqual(['@weekly #cron @weekly']);
});

test('without a time zone the schedule lives in that of this machine', () => {
  const { timeZone, spec } = timingFromFlags({ daily: '03:00' });
  expect(timeZone).toBe(new Intl.DateTimeFormat().resolvedOptions().timeZone);
  expect(spec.timezone).toBe(timeZone);
});

test.each([
  [{ weekly: 'Sun' }, /needs a day and a time/],
  [{ weekly: 'Caturday 03:00' }, /"Caturday" is no day of the week/],
  [{ weekly: 'S 03:00' }, /"S" is no day of the week/],
  [{ weekly: 'Sun, 03:00' }, /"" is no day of the week/],
  [{ weekly: 'Sun 24:00' }, /--weekly: "24:00" is no time of day/],
  [{ weekly: 'Sun 3am' }, /"3am" is no time of day/],
  [{ daily: '12:60' }, /--daily: "12:60" is no time of day/],
  [{ every: '0h' }, /--every: "0h" is no length of time/],
  [{ every: '1.5h' }, /no length of time/],
  [{ every: 'weekly' }, /no length of time/],
  [{ cron: '0 3 * *' }, /has 4 fields/],
  [{ cron: 'TZ=UTC 0 3 * * *' }, /--timezone instead/],
  [{ daily: '03:00', timezone: 'Mars/Olympus' }, /no time zone "Mars\/Olympus"/],
  [{ daily: '03:00', timezone: '+02:00' }, /no time zone "\+02:00"/],
  [{ daily: '03:00', every: '6h' }, /--daily and --every: give one/],
  [{}, /When should it run\?/],
])('%j is refused with what is wrong', (flags, message) => {
  expect(() => timingFromFlags(flags)).toThrow(UsageError);
  expect(() => timingFromFlags(flags)).toThrow(message);
});

test('lengths of time', () => {
  expect(durationMs('--catch-up', '90s')).toBe(90_000);
  expect(durationMs('--catch-up', '2w')).toBe(14 * 86_400_000);
  expect([90_000, 3_600_000, 86_400_000, 1_209_600_000].map(durationWords)).toEqual([
    '90 s',
    '1 h',
    '1 d',
    '2 w',
  ]);
});

test('times are read on the clock of the zone, across its clock changes too', () => {
  const at = (text: string, zone = 'Europe/Berlin', end = false) =>
    zonedTime('--from', text, zone, end).toISOString();
  expect(at('2026-11-01')).toBe('2026-10-31T23:00:00.000Z');
  expect(at('2026-07-01 03:00')).toBe('2026-07-01T01:00:00.000Z');
  expect(at('2026-11-01', 'Europe/Berlin', true)).toBe('2026-11-01T22:59:59.000Z');
  // The clocks went back at 03:00 on 25 October 2026, and forward at 02:00 on 29 March.
  expect(at('2026-10-25 04:00')).toBe('2026-10-25T03:00:00.000Z');
  expect(at('2026-03-29 03:30')).toBe('2026-03-29T01:30:00.000Z');
  expect(at('2026-11-01T03:00:00Z')).toBe('2026-11-01T03:00:00.000Z');
  expect(at('2026-11-01T03:00+09:00', 'UTC')).toBe('2026-10-31T18:00:00.000Z');
  for (const bad of ['yesterday', '2026-13-01', '2026-02-30', '2026-11-01 3am', '2026-11-01 25:00'])
    expect(() => at(bad)).toThrow(/is no time/);
  expect(zonedText(new Date('2026-11-22T02:00:00Z'), 'Europe/Berlin')).toBe('2026-11-22 03:00');
  expect(zonedText(new Date('2026-11-22T02:00:07Z'), 'UTC')).toBe('2026-11-22 02:00:07');
});
