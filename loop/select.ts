/**
 * Which of a prompt's accepted samples become examples. A few per prompt, so that prompts which are easy to
 * agree on do not crowd out the others; and those from rewrites that first missed, which teach the most.
 */

/** A sample that passed every required gate. */
export type AcceptedSample = {
  /** 1: the first samples, which voted; 2: rewrites that missed the trusted answer, asked again. */
  round: number;
  /** Position among the prompt's samples of that round. */
  index: number;
  /** Key of the rewrite that was put to the model. */
  rewrite: string;
  /** The text that was put to the model. */
  request: string;
  rationale: string;
};

export type SelectSettings = { perPrompt: number; hardPerRewrite: number };

/**
 * At most `perPrompt` samples of the first round and, of the second, `hardPerRewrite` of each rewrite, in the
 * order in which they were sampled. The same rationale for the same request counts once.
 */
export function selectExamples<T extends AcceptedSample>(
  accepted: readonly T[],
  settings: SelectSettings,
): { sample: T; kind: 'vote' | 'hard' }[] {
  const seen = new Set<string>();
  const taken = new Map<string, number>();
  const selected: { sample: T; kind: 'vote' | 'hard' }[] = [];
  for (const sample of accepted.toSorted((a, b) => a.round - b.round || a.index - b.index)) {
    const first = sample.round === 1;
    const quota = first ? 'first' : `rewrite ${sample.rewrite}`;
    const identity = JSON.stringify([sample.request, sample.rationale]);
    const count = taken.get(quota) ?? 0;
    if (seen.has(identity) || count >= (first ? settings.perPrompt : settings.hardPerRewrite)) continue;
    seen.add(identity);
    taken.set(quota, count + 1);
    selected.push({ sample, kind: first ? 'vote' : 'hard' });
  }
  return selected;
}

/**
 * At most a share of the chosen examples with one template, and at least one; the first of each stay. The share is
 * of all that were chosen, so that one template alone is thinned out and not given up.
 *
 * @param share 0…1; 1: no cap
 */
export function capTemplates<T extends { template: string }>(
  chosen: readonly T[],
  share: number,
): { kept: T[]; dropped: number; limit: number } {
  const limit = Math.max(1, Math.floor(share * chosen.length));
  const taken = new Map<string, number>();
  const kept = chosen.filter(({ template }) => {
    const count = taken.get(template) ?? 0;
    taken.set(template, count + 1);
    return count < limit;
  });
  return { kept, dropped: chosen.length - kept.length, limit };
}
