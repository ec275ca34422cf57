/** Why an item is put to people. */
export const reviewReasons = {
  'first-iterations': 'all that the first iterations accept is reviewed',
  audit: 'random audit of what was accepted',
  disagreement: 'the vote trusts the answer, another gate does not',
  feedback: 'a correction from production, decided already',
} as const;
