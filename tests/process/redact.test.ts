import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { REDACTED_KINDS, redactText } from '../../process/redact.ts';

const clean = (text: string, kept: string[] = []) => redactText(text, REDACTED_KINDS, new Set(kept)).text;

describe('personal data', () => {
  it.each([
    ['Hi, this is Anna Smith.', 'Hi, this is [name].'],
    ['Write to anna.smith@example.com please', 'Write to [email] please'],
    ['You can call me at +44 20 7946 0958 if you doubt it.', 'You can call me at [phone] if you doubt it.'],
    ['My IBAN is DE89 3704 0044 0532 0130 00.', 'My IBAN is [iban].'],
    ['My card is 4111 1111 1111 1111, thanks', 'My card is [card], thanks'],
    ['It is 45 days. Thanks, Maria', 'It is 45 days. Thanks, [name]'],
  ])('%s', (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  it('is not what the company is called, nor what it promises', () => {
    const text =
      'Return parcels are collected by Postino within 45 days, for $4. Order 12345 has 6 instalments.';
    expect(clean(text, ['postino'])).toBe(text);
    expect(clean('Grace waxes jackets.', ['grace'])).toBe('Grace waxes jackets.');
  });

  it('leaves an account number with a wrong check digit, and a card that is none', () => {
    expect(
      redactText('DE88 3704 0044 0532 0130 00 and 4111 1111 1111 1112', ['iban', 'card']).counts,
    ).toEqual({});
  });

  const mail = fc
    .tuple(
      fc.stringMatching(/^[a-z][a-z0-9]{1,12}$/),
      fc.stringMatching(/^[a-z]{2,12}$/),
      fc.constantFrom('com', 'org', 'de'),
    )
    .map(([who, host, end]) => `${who}@${host}.${end}`);
  it('goes wherever it stands, and again nothing is left to take', () => {
    fc.assert(
      fc.property(mail, fc.lorem({ maxCount: 12 }), fc.lorem({ maxCount: 12 }), (address, before, after) => {
        const once = clean(`${before} ${address} ${after}`);
        expect(once).not.toContain(address);
        expect(clean(once)).toBe(once);
      }),
      { numRuns: 60 },
    );
  });

  it('is looked for in any text, in bounded time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
        expect(clean(text)).toBeTypeOf('string');
      }),
      { numRuns: 60 },
    );
    const began = performance.now();
    for (const text of [
      '1 '.repeat(20_000),
      'a@'.repeat(20_000),
      'DE12 '.repeat(10_000),
      '+1 (2'.repeat(10_000),
    ])
      redactText(text, ['email', 'iban', 'card', 'phone']);
    expect(performance.now() - began).toBeLessThan(3000);
  });
});
