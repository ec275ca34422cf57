import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertion } from '../../../tasks/support/asserted.ts';
import { canonical, claimsOf } from '../../../tasks/support/claims.ts';

const names = new Set(['bergmoor', 'ottilie']);
const common = new Set(['nordholm', 'trail', 'club']);

describe('what an answer claims', () => {
  it.each([
    ['You can return an order within 45 days.', '45 days'],
    ['Six weeks.', '42 days'],
    ['It takes a fortnight', '14 days'],
    ['Within two business days', '2 business days'],
    ['Tents have a warranty of 5 years.', '5 years'],
    ['60 months', '5 years'],
    ['Within 48 hours', '2 days'],
    ['That is $4 a year', '$4'],
    ['five dollars', '$5'],

    ['Exchanges are free of charge.', 'free'],
    ['There is no charge', 'free'],
    ['You get 15 percent off', '15 %'],
    ['We close at 9 pm', '21:00'],
    ['We close at 21:00.', '21:00'],
    ['On Tuesdays', 'Tuesday'],
    ['Up to six instalments', '6'],
    ['Ottilie waxes them.', 'Ottilie'],
    ['The flagship store of Nordholm is in Bergmoor.', 'Bergmoor'],
    ['Yes, exchanges are free.', 'yes'],
    ['No, two people cannot use one account.', 'no'],
    ['Sorry, no. It costs $5.', 'no; $5'],
    ['It is 45 days, not 30 days.', '45 days; not 30 days'],
    ['Hello there, how are you', undefined],
  ])('%s', (text, expected) => {
    expect(canonical(text, names, common)).toBe(expected);
  });

  it('is the same however it is put', () => {
    const said = ['$80', 'free', '45 days', '5 years', '21:00', '15 %', 'Tuesday', '6', 'Bergmoor'];
    fc.assert(
      fc.property(
        fc.subarray(said, { minLength: 1 }),
        fc.constantFrom('', 'yes; ', 'no; '),
        (values, lead) => {
          const once = canonical(lead + values.join('; '), names, common)!;
          expect(canonical(once, names, common)).toBe(once);
        },
      ),
    );
  });

  it('reads any text, and only what stands there', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (text) => {
        for (const { at, value } of claimsOf(text).claims) {
          expect(at).toBeLessThan(text.length);
          expect(value).not.toBe('');
        }
      }),
    );
  });

  it('takes no time for what is made to take long', () => {
    const began = performance.now();
    for (const text of [
      '1'.repeat(100_000),
      '1,'.repeat(50_000),
      'not '.repeat(20_000),
      'no, '.repeat(20_000),
    ]) {
      claimsOf(text);
      assertion(text, 'Within 30 days.');
    }
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('what a correction says is right', () => {
  it.each([
    ['No, that is wrong: you have 45 days.', 'You have 30 days.', '45 days'],
    ["It's 45 days, not 30 days.", 'You have 30 days.', '45 days'],
    ["That can't be. It is 45 days. I bought it 3 weeks ago.", 'You have 30 days.', '45 days'],
    ['No no, yes, you deliver on Saturdays.', 'No, we do not deliver on Saturdays.', 'yes'],
    ['That has changed. Since spring, no, you do not.', 'Yes, we accept Bitcoin.', 'no'],
    ['Actually, gift cards can be used online.', 'No, gift cards cannot be used online.', 'yes'],
    ['No, it costs $9.', 'An exchange is free.', '$9'],
    ['That is wrong.', 'You have 30 days.', undefined],
    ['Wrong!', 'Yes, dogs are welcome.', undefined],
  ])('%s', (text, answer, expected) => {
    expect(assertion(text, answer)).toBe(expected);
  });
});
