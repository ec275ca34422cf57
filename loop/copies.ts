/**
 * Does an endpoint sample at all? Some ignore temperature and seed and give one request the same reply every time: K copies,
 * which agree and mean one vote. But a model that is sure may say the same thing twice by chance, in a short fixed form
 * above all. So copies are told from chance by all samples of an iteration together: each further sample of a request
 * (one rewrite, one strategy) that repeats its first one is a repeat. Even a model that repeats itself in 9 of 10 cases
 * leaves 44 repeats in a row without one difference less often than once in a hundred.
 */

/** How often independent samples of one request may be equal, and how unlikely a row of them must be. */
const REPEATS_BY_CHANCE = 0.9;
const LEAST_LIKELY = 0.01;

export type Drawn = { request: string; strategy: string; rationale: string };

const requestOf = ({ request, strategy }: Drawn) => JSON.stringify([strategy, request]);

/** Of the samples after the first of each request: how many there are, and how many of them repeat the first. */
export function repeatsOf(samples: readonly Drawn[]): { further: number; repeats: number } {
  const first = new Map<string, string>();
  let further = 0;
  let repeats = 0;
  for (const sample of samples) {
    const id = requestOf(sample);
    const known = first.get(id);
    if (known === undefined) {
      first.set(id, sample.rationale);
      continue;
    }
    further += 1;
    if (known === sample.rationale) repeats += 1;
  }
  return { further, repeats };
}

/** Are samples of one request copies of one draw? Only when not one differs, over more of them than chance allows. */
export function givesCopies({ further, repeats }: { further: number; repeats: number }): boolean {
  return repeats === further && REPEATS_BY_CHANCE ** further <= LEAST_LIKELY;
}

/** For each sample, whether an earlier one of the same request says the same. */
export function copiesAmong(samples: readonly Drawn[]): boolean[] {
  const seen = new Set<string>();
  return samples.map((sample) => {
    const id = JSON.stringify([sample.strategy, sample.request, sample.rationale]);
    if (seen.has(id)) return true;
    seen.add(id);
    return false;
  });
}
