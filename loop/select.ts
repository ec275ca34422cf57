/**
 * Which of a prompt's accepted samples become examples. A few per prompt, so that prompts which are easy to
 * agree on do not crowd out the others; and those from rewrites that first missed, which teach the most.
 */
import { clustersOf } from './clusters.ts';
import { estimate, type Signature } from './minhash.ts';
import { rationaleSignature, templateOf } from './rationale.ts';

/** A sample that passed every required gate. */
export type AcceptedSample = {
  /**
   * 1: the first samples, which voted; 2: rewrites that missed the trusted answer, asked again; 3: of a debate, whose vote it was; 0:
   * what people wrote.
   */
  round: number;
  /** Position among the prompt's samples of that round. */
  index: number;
  /** Key of the rewrite that was put to the model. */
  rewrite: string;
  /** The text that was put to the model. */
  request: string;
  rationale: string;
};

/** `diversity` and `novelty` 0: in the order in which they were sampled. */
export type SelectSettings = {
  perPrompt: number;
  hardPerRewrite: number;
  diversity?: number;
  novelty?: number;
};

/** More than place and diversity can come to. */
const BEHIND_ALL = 1000;

/** What was chosen so far in an iteration, by template: rare ones are preferred where `diversity` says so. */
export type Chosen = { total: number; templates: Map<string, number> };

export const nothingChosen = (): Chosen => ({ total: 0, templates: new Map() });

/** In the order in which they were sampled, and then what people wrote: a model learns with least loss what it says itself. */
const sampled = <T extends AcceptedSample>(accepted: readonly T[]): T[] =>
  accepted.toSorted(
    (a, b) =>
      Number(a.round === 0) - Number(b.round === 0) ||
      a.round - b.round ||
      Math.abs(a.index) - Math.abs(b.index),
  );

/** The cluster of each of a prompt's samples (loop/clusters.ts). */
export function clustersAmong<T extends AcceptedSample>(accepted: readonly T[]): Map<T, number> {
  const inOrder = sampled(accepted);
  const clusters = clustersOf(inOrder.map(({ rationale }) => rationale));
  return new Map(inOrder.map((sample, i) => [sample, clusters[i]!]));
}

/**
 * At most `perPrompt` samples of those that voted, in the first round or in a debate, and, of the second, `hardPerRewrite` of each rewrite. The same
 * rationale for the same request counts once. They are taken in the order in which they were sampled, put back by
 * `diversity` times the share that their template has among what was chosen before in the iteration, and by as much as they
 * are like what was chosen for the same prompt (maximal marginal relevance; Carbonell and Goldstein 1998). `novelty` puts back
 * those that go a way of which the prompt has one already (loop/clusters.ts); with 1, all of them behind all that do not.
 *
 * @param chosen is added to
 * @param clusters as `clustersAmong` says, where they are known already
 */
export function selectExamples<T extends AcceptedSample>(
  accepted: readonly T[],
  settings: SelectSettings,
  chosen: Chosen = nothingChosen(),
  clusters: ReadonlyMap<T, number> = settings.novelty ? clustersAmong(accepted) : new Map<T, number>(),
): { sample: T; kind: 'vote' | 'hard' }[] {
  const { diversity = 0, novelty = 0 } = settings;
  const seen = new Set<string>();
  const taken = new Map<string, number>();
  const selected: { sample: T; kind: 'vote' | 'hard' }[] = [];
  const signatures: Signature[] = [];
  const clustersChosen = new Set<number>();
  const inOrder = sampled(accepted);
  let left = inOrder.map((sample, place) => {
    const voted = sample.round !== 2;
    return {
      sample,
      cluster: clusters.get(sample),
      place: place / accepted.length,
      kind: voted ? ('vote' as const) : ('hard' as const),
      quota: voted ? 'first' : `rewrite ${sample.rewrite}`,
      most: voted ? settings.perPrompt : settings.hardPerRewrite,
      identity: JSON.stringify([sample.request, sample.rationale]),
      ...(diversity > 0
        ? { template: templateOf(sample.rationale), signature: rationaleSignature(sample.rationale) }
        : {}),
    };
  });
  const penalty = ({ place, cluster, template, signature }: (typeof left)[number]): number => {
    const known =
      cluster !== undefined && clustersChosen.has(cluster) ? (novelty === 1 ? BEHIND_ALL : novelty) : 0;
    if (template === undefined || signature === undefined) return place + known;
    const common = (chosen.templates.get(template) ?? 0) / Math.max(1, chosen.total);
    const likeness = Math.max(0, ...signatures.map((other) => estimate(signature, other)));
    return place + known + diversity * (common + likeness);
  };
  for (;;) {
    left = left.filter((one) => !seen.has(one.identity) && (taken.get(one.quota) ?? 0) < one.most);
    if (left.length === 0) return selected;
    const penalties = left.map(penalty);
    const next = left[penalties.indexOf(Math.min(...penalties))]!;
    seen.add(next.identity);
    taken.set(next.quota, (taken.get(next.quota) ?? 0) + 1);
    selected.push({ sample: next.sample, kind: next.kind });
    if (next.cluster !== undefined) clustersChosen.add(next.cluster);
    if (next.template === undefined || next.signature === undefined) continue;
    signatures.push(next.signature);
    chosen.templates.set(next.template, (chosen.templates.get(next.template) ?? 0) + 1);
    chosen.total += 1;
  }
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
