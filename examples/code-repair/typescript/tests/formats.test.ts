import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  compareVersions,
  formatBytes,
  matchesMask,
  parseColor,
  parsePages,
  parseQuery,
} from '../src/formats.ts';

describe('parseQuery', () => {
  test('names and values', () => {
    assert.deepEqual(parseQuery('a=1&b=two'), { a: ['1'], b: ['two'] });
    assert.deepEqual(parseQuery('?page=3'), { page: ['3'] });
  });
  test('a name may come again', () => {
    assert.deepEqual(parseQuery('tag=x&n=1&tag=y'), { tag: ['x', 'y'], n: ['1'] });
  });
  test('plus signs and escapes', () => {
    assert.deepEqual(parseQuery('q=a+b%2Bc&%C3%A9=1'), { q: ['a b+c'], é: ['1'] });
  });
  test('more equals signs belong to the value', () => {
    assert.deepEqual(parseQuery('sum=1+1=2'), { sum: ['1 1=2'] });
  });
  test('no value', () => {
    assert.deepEqual(parseQuery('debug&x='), { debug: [''], x: [''] });
  });
  test('empty parts', () => {
    assert.deepEqual(parseQuery('&a=1&&b=2&'), { a: ['1'], b: ['2'] });
    assert.deepEqual(parseQuery('?'), {});
    assert.deepEqual(parseQuery(''), {});
  });
});

describe('compareVersions', () => {
  test('number by number', () => {
    assert.equal(compareVersions('1.2.3', '1.2.4'), -1);
    assert.equal(compareVersions('2.0.0', '1.9.9'), 1);
    assert.equal(compareVersions('1.10', '1.9'), 1);
  });
  test('missing numbers are zero', () => {
    assert.equal(compareVersions('1.0', '1'), 0);
    assert.equal(compareVersions('1', '1.0.1'), -1);
  });
  test('a suffix comes before none', () => {
    assert.equal(compareVersions('2.0-beta', '2.0'), -1);
    assert.equal(compareVersions('2.0', '2.0-beta'), 1);
  });
  test('suffixes by the alphabet', () => {
    assert.equal(compareVersions('1.0-alpha', '1.0-beta'), -1);
    assert.equal(compareVersions('1.0-rc-2', '1.0-rc-1'), 1);
    assert.equal(compareVersions('1.0-rc', '1.0-rc'), 0);
  });
  test('numbers before suffixes', () => {
    assert.equal(compareVersions('1.1-alpha', '1.0'), 1);
  });
});

describe('parseColor', () => {
  test('six digits', () => {
    assert.deepEqual(parseColor('#1e90ff'), [30, 144, 255]);
    assert.deepEqual(parseColor('#000102'), [0, 1, 2]);
  });
  test('three digits', () => {
    assert.deepEqual(parseColor('#19f'), [17, 153, 255]);
  });
  test('case', () => {
    assert.deepEqual(parseColor('#AbC'), [170, 187, 204]);
  });
  test('refused', () => {
    assert.equal(parseColor('1e90ff'), undefined);
    assert.equal(parseColor('#12'), undefined);
    assert.equal(parseColor('#1234'), undefined);
    assert.equal(parseColor('#ggg'), undefined);
    assert.equal(parseColor('#1e90ff0'), undefined);
  });
});

describe('formatBytes', () => {
  test('bytes', () => {
    assert.equal(formatBytes(0), '0 B');
    assert.equal(formatBytes(999), '999 B');
  });
  test('larger units', () => {
    assert.equal(formatBytes(1000), '1.0 kB');
    assert.equal(formatBytes(2_500_000), '2.5 MB');
    assert.equal(formatBytes(3_000_000_000), '3.0 GB');
  });
  test('rounded down', () => {
    assert.equal(formatBytes(1999), '1.9 kB');
    assert.equal(formatBytes(999_999), '999.9 kB');
  });
  test('the largest unit goes on', () => {
    assert.equal(formatBytes(1_200_000_000_000), '1.2 TB');
    assert.equal(formatBytes(5_000_000_000_000_000), '5000.0 TB');
  });
});

describe('parsePages', () => {
  test('pages and ranges', () => {
    assert.deepEqual(parsePages('1-3, 7', 9), [1, 2, 3, 7]);
    assert.deepEqual(parsePages('4', 9), [4]);
  });
  test('sorted and each once', () => {
    assert.deepEqual(parsePages('10,2-4,3', 12), [2, 3, 4, 10]);
  });
  test('open ends', () => {
    assert.deepEqual(parsePages('5-', 7), [5, 6, 7]);
    assert.deepEqual(parsePages('-2', 7), [1, 2]);
  });
  test('the first and the last', () => {
    assert.deepEqual(parsePages('1,7', 7), [1, 7]);
    assert.deepEqual(parsePages('3-3', 7), [3]);
  });
  test('outside', () => {
    assert.throws(() => parsePages('0', 7), RangeError);
    assert.throws(() => parsePages('8', 7), RangeError);
    assert.throws(() => parsePages('5-8', 7), RangeError);
    assert.throws(() => parsePages('3-2', 7), RangeError);
  });
  test('not a list of pages', () => {
    assert.throws(() => parsePages('', 7), RangeError);
    assert.throws(() => parsePages('-', 7), RangeError);
    assert.throws(() => parsePages('1,,2', 7), RangeError);
    assert.throws(() => parsePages('a', 7), RangeError);
  });
});

describe('matchesMask', () => {
  test('no signs', () => {
    assert.equal(matchesMask('read.me', 'read.me'), true);
    assert.equal(matchesMask('read.me', 'readme'), false);
  });
  test('any number of characters', () => {
    assert.equal(matchesMask('notes.txt', '*.txt'), true);
    assert.equal(matchesMask('notes.txt', 'notes*.txt'), true);
    assert.equal(matchesMask('notes.txt', '*.md'), false);
  });
  test('one character', () => {
    assert.equal(matchesMask('a1.png', 'a?.png'), true);
    assert.equal(matchesMask('a.png', 'a?.png'), false);
  });
  test('the whole name', () => {
    assert.equal(matchesMask('notes.txt.bak', '*.txt'), false);
    assert.equal(matchesMask('my notes', 'notes'), false);
  });
  test('a star may have to try again', () => {
    assert.equal(matchesMask('abcabd', '*abd'), true);
    assert.equal(matchesMask('mississippi', 'm*iss*?pi'), true);
    assert.equal(matchesMask('abcd', 'a*c'), false);
  });
  test('empty', () => {
    assert.equal(matchesMask('', ''), true);
    assert.equal(matchesMask('', '*'), true);
    assert.equal(matchesMask('', '?'), false);
    assert.equal(matchesMask('a', ''), false);
  });
});
