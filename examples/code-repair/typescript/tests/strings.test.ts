import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { camelCase, commonPrefix, compareNatural, fillTemplate, initials } from '../src/strings.ts';

describe('camelCase', () => {
  test('words', () => {
    assert.equal(camelCase('hello big world'), 'helloBigWorld');
  });
  test('separators of any kind and number', () => {
    assert.equal(camelCase('user-id'), 'userId');
    assert.equal(camelCase('__max   line_length '), 'maxLineLength');
  });
  test('capitals become small inside a word', () => {
    assert.equal(camelCase('HTML Parser'), 'htmlParser');
  });
  test('digits', () => {
    assert.equal(camelCase('utf 8 text'), 'utf8Text');
  });
  test('one word and none', () => {
    assert.equal(camelCase('Word'), 'word');
    assert.equal(camelCase('--'), '');
  });
});

describe('fillTemplate', () => {
  test('names are replaced', () => {
    assert.equal(fillTemplate('Dear {name}!', { name: 'Ann' }), 'Dear Ann!');
    assert.equal(fillTemplate('{a}{b}{a}', { a: 1, b: 'x' }), '1x1');
  });
  test('braces written twice', () => {
    assert.equal(fillTemplate('{{a}} is {a}', { a: 5 }), '{a} is 5');
  });
  test('a value is not filled again', () => {
    assert.equal(fillTemplate('{a}', { a: '{b}', b: 'no' }), '{b}');
  });
  test('an empty value is a value', () => {
    assert.equal(fillTemplate('<{a}>', { a: '' }), '<>');
  });
  test('a single closing brace stays', () => {
    assert.equal(fillTemplate('a } b', {}), 'a } b');
  });
  test('no value', () => {
    assert.throws(() => fillTemplate('{who}', { name: 'Ann' }), /no value for who/);
    assert.throws(() => fillTemplate('{toString}', {}), /no value/);
  });
  test('a brace that is not closed', () => {
    assert.throws(() => fillTemplate('Dear {name', { name: 'Ann' }), /not closed/);
  });
});

describe('initials', () => {
  test('capitals of the words', () => {
    assert.equal(initials('Ada Lovelace'), 'AL');
    assert.equal(initials('grace brewster hopper'), 'GBH');
  });
  test('dashes and blanks', () => {
    assert.equal(initials('Jean-Luc  Picard'), 'JLP');
    assert.equal(initials('  Ada - Lovelace '), 'AL');
  });
  test('the first ones and the last', () => {
    assert.equal(initials('John Ronald Reuel Tolkien'), 'JRT');
    assert.equal(initials('John Ronald Reuel Tolkien', 2), 'JT');
  });
  test('just as many as asked for', () => {
    assert.equal(initials('John Ronald Reuel Tolkien', 4), 'JRRT');
    assert.equal(initials('John Tolkien', 1), 'T');
  });
  test('no words', () => {
    assert.equal(initials(' - '), '');
  });
});

describe('commonPrefix', () => {
  test('several words', () => {
    assert.equal(commonPrefix(['flower', 'flow', 'flight']), 'fl');
  });
  test('one within another', () => {
    assert.equal(commonPrefix(['test', 'testing']), 'test');
    assert.equal(commonPrefix(['testing', 'test']), 'test');
  });
  test('nothing in common', () => {
    assert.equal(commonPrefix(['dog', 'cat']), '');
    assert.equal(commonPrefix(['a', '']), '');
  });
  test('a difference before an equal letter', () => {
    assert.equal(commonPrefix(['abcd', 'xbcd']), '');
    assert.equal(commonPrefix(['abcd', 'abxd']), 'ab');
  });
  test('one word and none', () => {
    assert.equal(commonPrefix(['alone']), 'alone');
    assert.equal(commonPrefix([]), '');
  });
});

describe('compareNatural', () => {
  test('numbers by their value', () => {
    assert.ok(compareNatural('page2', 'page10') < 0);
    assert.ok(compareNatural('page10', 'page9') > 0);
  });
  test('letters by their code', () => {
    assert.ok(compareNatural('apple', 'banana') < 0);
    assert.ok(compareNatural('b1', 'a2') > 0);
  });
  test('the shorter first', () => {
    assert.ok(compareNatural('page', 'page1') < 0);
    assert.ok(compareNatural('a1b', 'a1') > 0);
  });
  test('the same', () => {
    assert.equal(compareNatural('a1', 'a1'), 0);
    assert.equal(compareNatural('a01', 'a1'), 0);
  });
  test('a whole list', () => {
    assert.deepEqual(['v1.10', 'v1.9', 'v1', 'u3'].toSorted(compareNatural), ['u3', 'v1', 'v1.9', 'v1.10']);
  });
  test('a number against a letter', () => {
    assert.ok(compareNatural('1', 'a') < 0);
    assert.ok(compareNatural('a', '1') > 0);
  });
});
