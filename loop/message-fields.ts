/** The fields that messages to a run are made of, and how each is read. */
import { z } from 'zod';
import type { MessageArgs } from './control.ts';

export const anything = z.unknown().optional();

export const oneOf = <const T extends readonly [string, ...string[]]>(field: string, known: T) =>
  z.enum(known, `"${field}" must be one of ${known.join(', ')}`).nullish();

/** More would not fit a message. */
const MOST_ITEMS = 200;

/** Those of the values that are ids, as numbers or digits. */
export const idsOf = (values: readonly unknown[]) =>
  values
    .map((one) => (typeof one === 'string' && /^\d+$/.test(one) ? Number(one) : one))
    .filter((id): id is number => typeof id === 'number' && Number.isSafeInteger(id) && id > 0);

export function readItems({ item, items, all }: Record<string, unknown>, allByDefault: boolean): MessageArgs {
  const given = items ?? item;
  if (given === undefined) {
    if (all === true || (allByDefault && all === undefined)) return { items: undefined };
    throw new RangeError('give "item" with the id of an item (ratchet review --list), or "all": true');
  }
  if (all !== undefined) throw new RangeError('give "items" or "all", not both');
  const values: unknown[] = Array.isArray(given) ? given : [given];
  const ids = idsOf(values);
  if (ids.length < values.length || ids.length === 0 || ids.length > MOST_ITEMS)
    throw new RangeError(`"items" must be 1 to ${MOST_ITEMS} ids of items`);
  return { items: ids };
}

const TEXT_CHARACTERS = 500;
/** NUL and halves of surrogate pairs: PostgreSQL stores neither. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= TEXT_CHARACTERS && !UNSTORABLE.test(value);

const shortText = (field: string) =>
  z
    .custom<string>(
      isShortText,
      `"${field}" must be a text of at most ${TEXT_CHARACTERS} characters, without NUL`,
    )
    .optional();

/** Fields of any message. */
export const COMMON = { id: shortText('id'), by: shortText('by'), reason: shortText('reason') };

/** The id that a sender gave; also of a message that is wrong otherwise. */
export function idOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('id' in input)) return undefined;
  return isShortText(input.id) ? input.id : undefined;
}
