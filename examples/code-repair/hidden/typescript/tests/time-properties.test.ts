import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dayNumber, formatClock, nightMinutes, parseTime, timeAgo } from '../src/time.ts';
import { seeded } from './chance.ts';

const chance = seeded(2);
const two = (number: number) => String(number).padStart(2, '0');

describe('formatClock', () => {
  test('second by second', () => {
    let [hours, minutes, seconds] = [0, 0, 0];
    for (let at = 0; at < 40_000; at++) {
      const expected = hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
      if (at % 7 === 0 || seconds >= 58 || seconds < 2) assert.equal(formatClock(at), expected);
      seconds += 1;
      if (seconds === 60) [minutes, seconds] = [minutes + 1, 0];
      if (minutes === 60) [hours, minutes] = [hours + 1, 0];
    }
  });
  test('fractions and many hours', () => {
    assert.equal(formatClock(0.99), '0:00');
    assert.equal(formatClock(3599.999), '59:59');
    assert.equal(formatClock(1_000_000), '277:46:40');
  });
  test('negative', () => {
    for (const seconds of [-0.5, -1, -3600]) assert.throws(() => formatClock(seconds), RangeError);
  });
});

describe('parseTime', () => {
  test('every minute of a day, in both ways of writing', () => {
    for (let minute = 0; minute < 1440; minute++) {
      const date = new Date(Date.UTC(2024, 0, 1, 0, minute));
      const [hours, minutes] = [date.getUTCHours(), date.getUTCMinutes()];
      assert.equal(parseTime(`${hours}:${two(minutes)}`), minute);
      assert.equal(parseTime(`${two(hours)}:${two(minutes)}`), minute);
      const short = date.toLocaleTimeString('en-US', { timeStyle: 'short', timeZone: 'UTC' });
      assert.equal(parseTime(short), minute, short);
      assert.equal(parseTime(short.toLowerCase().replace(/\s/, '')), minute, short);
    }
  });
  test('refused', () => {
    const wrong = [
      '',
      '7',
      '7:',
      ':30',
      '25:00',
      '24:00',
      '99:99',
      '7:60',
      '7:61',
      '7:5',
      '007:00',
      '7:000',
      '7.30',
    ];
    const halves = [
      '0:00 am',
      '00:30pm',
      '13:00am',
      '14:00 pm',
      '7:00 a',
      '7:00 pmx',
      'x7:00',
      '7:00 am pm',
      '-1:00',
    ];
    for (const text of [...wrong, ...halves]) assert.equal(parseTime(text), undefined, text);
  });
});

describe('nightMinutes', () => {
  test('minute by minute', () => {
    for (let round = 0; round < 400; round++) {
      const [start, end] = [chance.whole(0, 95) * 15 + chance.whole(0, 1), chance.whole(0, 95) * 15];
      let expected = 0;
      let at = start;
      do {
        const hour = Math.floor(at / 60);
        if (hour >= 22 || hour < 6) expected += 1;
        at = (at + 1) % 1440;
      } while (at !== end);
      assert.equal(nightMinutes(start, end), expected, `${start} ${end}`);
    }
  });
});

describe('dayNumber', () => {
  test('as the clock of the machine counts', () => {
    for (let round = 0; round < 3000; round++) {
      const date = new Date(Date.UTC(chance.whole(101, 2999), chance.whole(0, 11), chance.whole(1, 31)));
      const expected = date.getTime() / 86_400_000 + 719_163;
      assert.equal(
        dayNumber(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()),
        expected,
        date.toISOString(),
      );
    }
  });
  test('around each end of February', () => {
    for (let year = 1200; year < 2500; year++) {
      const days = new Date(Date.UTC(year, 2, 0)).getUTCDate();
      assert.equal(dayNumber(year, 3, 1) - dayNumber(year, 2, 1), days, String(year));
      assert.equal(dayNumber(year + 1, 1, 1) - dayNumber(year, 12, 31), 1, String(year));
    }
  });
});

describe('timeAgo', () => {
  const sizes = { minute: 60, hour: 3600, day: 86_400, week: 604_800, year: 31_536_000 };

  test('the count and unit hold the time, and no larger unit does', () => {
    for (let round = 0; round < 2000; round++) {
      const size = chance.one(Object.values(sizes));
      const seconds = size * chance.whole(1, 60) + chance.whole(-2, 2);
      const said = timeAgo(seconds);
      const [, count = '', unit = '', plural] =
        /^(\d+) (minute|hour|day|week|year)(s?) ago$/.exec(said) ?? [];
      if (seconds < 60) {
        assert.equal(said, 'just now');
        continue;
      }
      const length = sizes[unit as keyof typeof sizes];
      assert.ok(
        Number(count) * length <= seconds && seconds < (Number(count) + 1) * length,
        `${seconds}: ${said}`,
      );
      assert.equal(plural, count === '1' ? '' : 's', said);
      const larger = Object.values(sizes).find((one) => one > length) ?? Infinity;
      assert.ok(seconds < larger, `${seconds}: ${said}`);
    }
  });
  test('just now', () => {
    for (const seconds of [0, 1, 30, 59]) assert.equal(timeAgo(seconds), 'just now');
  });
});
