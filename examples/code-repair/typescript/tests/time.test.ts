import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dayNumber, formatClock, nightMinutes, parseTime, timeAgo } from '../src/time.ts';

describe('formatClock', () => {
  test('minutes and seconds', () => {
    assert.equal(formatClock(83), '1:23');
    assert.equal(formatClock(600), '10:00');
  });
  test('less than a minute', () => {
    assert.equal(formatClock(5), '0:05');
    assert.equal(formatClock(0), '0:00');
  });
  test('hours', () => {
    assert.equal(formatClock(3599), '59:59');
    assert.equal(formatClock(3600), '1:00:00');
    assert.equal(formatClock(7325), '2:02:05');
  });
  test('more than a day', () => {
    assert.equal(formatClock(360_000), '100:00:00');
  });
  test('fractions are dropped', () => {
    assert.equal(formatClock(59.9), '0:59');
  });
  test('negative', () => {
    assert.throws(() => formatClock(-1), RangeError);
  });
});

describe('parseTime', () => {
  test('24 hours', () => {
    assert.equal(parseTime('14:05'), 845);
    assert.equal(parseTime('0:00'), 0);
    assert.equal(parseTime('23:59'), 1439);
  });
  test('am and pm', () => {
    assert.equal(parseTime('2:05 pm'), 845);
    assert.equal(parseTime('9:30AM'), 570);
  });
  test('twelve', () => {
    assert.equal(parseTime('12:00 am'), 0);
    assert.equal(parseTime('12:00 pm'), 720);
    assert.equal(parseTime('12:30'), 750);
  });
  test('out of range', () => {
    assert.equal(parseTime('24:00'), undefined);
    assert.equal(parseTime('10:60'), undefined);
    assert.equal(parseTime('13:00 pm'), undefined);
    assert.equal(parseTime('0:30 am'), undefined);
  });
  test('another form', () => {
    assert.equal(parseTime('1:5'), undefined);
    assert.equal(parseTime('noon'), undefined);
    assert.equal(parseTime('at 10:00'), undefined);
    assert.equal(parseTime('10:00 px'), undefined);
  });
});

describe('nightMinutes', () => {
  test('by day', () => {
    assert.equal(nightMinutes(480, 1020), 0);
    assert.equal(nightMinutes(360, 1320), 0);
  });
  test('a late shift', () => {
    assert.equal(nightMinutes(1200, 1380), 60);
  });
  test('an early shift', () => {
    assert.equal(nightMinutes(300, 600), 60);
  });
  test('over midnight', () => {
    assert.equal(nightMinutes(1320, 360), 480);
    assert.equal(nightMinutes(1380, 120), 180);
  });
  test('a whole day', () => {
    assert.equal(nightMinutes(720, 720), 480);
    assert.equal(nightMinutes(0, 0), 480);
  });
  test('from one night into the next', () => {
    assert.equal(nightMinutes(180, 120), 180 + 240);
    assert.equal(nightMinutes(1439, 1438), 1 + 360 + 118);
  });
});

describe('dayNumber', () => {
  test('the first days', () => {
    assert.equal(dayNumber(1, 1, 1), 1);
    assert.equal(dayNumber(1, 2, 1), 32);
  });
  test('the first leap year', () => {
    assert.equal(dayNumber(5, 1, 1) - dayNumber(4, 1, 1), 366);
  });
  test('around the end of February', () => {
    assert.equal(dayNumber(2024, 3, 1) - dayNumber(2024, 2, 28), 2);
    assert.equal(dayNumber(2023, 3, 1) - dayNumber(2023, 2, 28), 1);
    assert.equal(dayNumber(1900, 3, 1) - dayNumber(1900, 2, 28), 1);
    assert.equal(dayNumber(2000, 3, 1) - dayNumber(2000, 2, 28), 2);
  });
  test('the year goes on without a gap', () => {
    assert.equal(dayNumber(2024, 1, 1) - dayNumber(2023, 12, 31), 1);
  });
  test('a known number', () => {
    assert.equal(dayNumber(1970, 1, 1), 719_163);
    assert.equal(dayNumber(2024, 2, 29), 738_945);
  });
});

describe('timeAgo', () => {
  test('just now', () => {
    assert.equal(timeAgo(0), 'just now');
    assert.equal(timeAgo(59), 'just now');
  });
  test('one of a unit', () => {
    assert.equal(timeAgo(60), '1 minute ago');
    assert.equal(timeAgo(7199), '1 hour ago');
  });
  test('several', () => {
    assert.equal(timeAgo(7200), '2 hours ago');
    assert.equal(timeAgo(3599), '59 minutes ago');
  });
  test('days and weeks', () => {
    assert.equal(timeAgo(86_400), '1 day ago');
    assert.equal(timeAgo(604_799), '6 days ago');
    assert.equal(timeAgo(604_800), '1 week ago');
  });
  test('years', () => {
    assert.equal(timeAgo(31_535_999), '52 weeks ago');
    assert.equal(timeAgo(63_072_000), '2 years ago');
  });
});
