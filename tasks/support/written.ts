/** A correction as the answer that should have been given: the counterfactual that a run may train on, once every gate has passed it. */
import { claimsOf, told, type Claim } from './claims.ts';
import type { CorrectionRow } from './rows.ts';

/** The claim that a text makes, where it makes one that a value can take the place of. */
function onlyClaim(text: string, names: ReadonlySet<string>): Claim | undefined {
  const { polarity, claims } = told(claimsOf(text, names));
  const [claim, ...others] = claims;
  return polarity === undefined && others.length === 0 && claim?.value !== 'free' ? claim : undefined;
}

/** What was answered, with the right value in the words of the policy in place of the wrong one. */
function withRightValue(
  { before, answer, passage }: CorrectionRow,
  names: ReadonlySet<string>,
): string | undefined {
  const wrong = onlyClaim(before, names);
  const right = answer === undefined ? undefined : onlyClaim(answer, names);
  if (!wrong || !right || wrong.kind !== right.kind || wrong.negated || right.negated) return undefined;
  // `1 guest` does not become `3 guest`: of counts the noun is no part.
  if (wrong.kind === 'count' && (wrong.value === '1') !== (right.value === '1')) return undefined;
  const said =
    passage &&
    claimsOf(passage.text, names).claims.find(
      ({ kind, value }) => kind === right.kind && value === right.value,
    );
  const value = said ? passage.text.slice(said.at, said.end) : right.value;
  return before.slice(0, wrong.at) + value + before.slice(wrong.end);
}

/**
 * The ways to write a correction as an answer, the nearest to what was answered first: that answer with the right value in it; the policy
 * sentence, behind yes or no where that is what was asked. What a user wrote never stands in them but for a value that the policy has.
 */
export function answersOf(row: CorrectionRow, names: ReadonlySet<string>): string[] {
  if (row.fate === 'keep') return [row.before];
  const { polarity } = claimsOf(row.answer ?? '', names);
  const begin = polarity === undefined ? '' : polarity === 'yes' ? 'Yes. ' : 'No. ';
  return [withRightValue(row, names), row.passage && `${begin}${row.passage.text}`].filter(
    (text) => text !== undefined,
  );
}
