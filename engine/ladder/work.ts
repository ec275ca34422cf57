/** Work on a node, as it is asked for, read and put together. */
import { formsFor, seedOf, type IterationContext } from '../context.ts';
import type { LadderNode, LadderSample, NewLadderSample } from '../../db/queries/ladder.ts';
import { vote } from '../../loop/vote.ts';
import type { Recombined, Rewrite, SolvedPart } from '../../tasks/task.ts';
import { kindOf, partOf } from './tree.ts';

/** The strategy under which whole solutions stand among an iteration's samples. */
export const LADDER = 'ladder';

/** The forms of a node in an order that depends on the run alone, kinds in turn: a vote hears them all, however small it is. */
export function formsOfNode(
  { run, task }: Pick<IterationContext, 'run' | 'task'>,
  node: LadderNode,
): Rewrite[] {
  const { rewrites } = kindOf(task, node);
  const forms = formsFor({ ...task, rewrites }, partOf(node), seedOf(run.settings.seed, 'ladder', node.key));
  const kinds = [...Map.groupBy(forms, (form) => form.kind ?? form.key).values()];
  return forms.map((_, i) => i).flatMap((i) => kinds.flatMap((kind) => kind[i] ?? []));
}

/** Is a reply in form, and do its steps hang together? */
export function soundness(
  { task }: Pick<IterationContext, 'task'>,
  node: LadderNode,
  request: string,
  rationale: string,
  answer: string | undefined,
): { ok: boolean; reason: string } {
  const kind = kindOf(task, node);
  const format = kind.checkFormat(request, rationale);
  if (!format.ok) return format;
  if (answer === undefined) return { ok: false, reason: 'no answer could be read' };
  return kind.checkCoherence(request, rationale, answer);
}

/** How a vote over a part's samples ends. */
export type Tally = Pick<LadderNode, 'status' | 'reason' | 'answer' | 'votes' | 'runnerUpVotes' | 'samples'>;

/** The vote over the samples of a part; one that is not sound abstains. */
export function tally(
  { task, settings }: IterationContext,
  node: LadderNode,
  drawn: readonly LadderSample[],
): Tally {
  const { min } = settings.strategy.ladder;
  const ungated = settings.experiment === 'ungated';
  const { sameAnswer } = kindOf(task, node);
  const answers = drawn.map(({ ok, answer }) => ((ok || ungated) && answer !== null ? answer : undefined));
  const { answer, votes, runnerUpVotes, samples, agreement } = vote(answers, sameAnswer);
  const solved = answer !== undefined && (ungated || agreement >= min);
  const counts = `${votes} of ${samples} samples agree`;
  const reason = solved
    ? counts
    : answer === undefined
      ? `no answer wins: ${counts}`
      : `${counts}, less than ${min}`;
  return {
    status: solved ? 'solved' : 'failed',
    reason,
    answer: answer ?? null,
    votes,
    runnerUpVotes,
    samples,
  };
}

/** The sound work on a node that gives its answer. */
export function worksFor(
  { task, settings }: IterationContext,
  node: LadderNode,
  drawn: readonly LadderSample[],
): SolvedPart['works'] {
  const { sameAnswer } = kindOf(task, node);
  const ungated = settings.experiment === 'ungated';
  return drawn
    .filter(({ ok, answer }) => (ok || ungated) && answer !== null && sameAnswer(answer, node.answer!))
    .map(({ request, rationale }) => ({ request, rationale }));
}

/** Tokens of a text and its end, by what the parts' texts took without their ends. */
export function tokensOf(
  text: string,
  drawn: readonly Pick<LadderSample, 'rationale' | 'completionTokens'>[],
): number {
  const characters = drawn.reduce((sum, { rationale }) => sum + rationale.length, 0);
  const tokens = drawn.reduce((sum, { completionTokens }) => sum + Math.max(0, completionTokens - 1), 0);
  return 1 + Math.round((text.length * tokens) / Math.max(1, characters));
}

/** Put together: the work for each form that could be written, and how it ends. */
export type Whole = { works: NewLadderSample[]; ended: Pick<LadderNode, 'status' | 'reason' | 'answer'> };

/**
 * Writes the whole solution of a node in some of its forms and checks each as a sample is checked: by form, by its steps, and by the
 * task's own verification. One of which a doubt is left is stored and not used. The ungated arm uses all.
 */
export async function putTogether(
  context: IterationContext,
  node: LadderNode,
  parts: readonly SolvedPart[],
  drawn: readonly LadderSample[],
  most: number,
): Promise<Whole> {
  const kind = kindOf(context.task, node);
  const ungated = context.settings.experiment === 'ungated';
  const works: NewLadderSample[] = [];
  let impossible: string | undefined;
  for (const form of formsOfNode(context, node)) {
    if (works.length === most) break;
    const made: Recombined = kind.recombine!(partOf(node), form.text, parts);
    if ('impossible' in made) {
      impossible ??= made.impossible;
      continue;
    }
    const { rationale } = made;
    const read = kind.readAnswer(rationale);
    const answer = read === undefined ? undefined : form.mapBack(read);
    const found = await verdictOn(context, node, form, made, answer);
    works.push({
      nodeId: node.id,
      index: works.length,
      rewrite: form.key,
      strategy: LADDER,
      request: form.text,
      rationale,
      answer: answer ?? null,
      ...found,
      finishReason: 'stop',
      completionTokens: tokensOf(rationale, drawn),
    });
  }
  const used = works.filter(({ ok, answer }) => (ok || ungated) && answer !== null);
  const [first] = used;
  const failed = (reason: string): Whole => ({ works, ended: { status: 'failed', reason, answer: null } });
  if (!first) return failed(works[0]?.reason ?? impossible ?? 'it has no forms');
  if (!used.every(({ answer }) => kind.sameAnswer(answer!, first.answer!)) && !ungated) {
    return failed(
      `its forms give different answers: ${[...new Set(used.map(({ answer }) => answer))].join(', ')}`,
    );
  }
  const reason = `put together of ${parts.length} parts in ${used.length} of ${works.length} forms`;
  return { works, ended: { status: 'solved', reason, answer: first.answer! } };
}

async function verdictOn(
  context: IterationContext,
  node: LadderNode,
  form: Rewrite,
  made: { rationale: string; doubt?: string },
  answer: string | undefined,
): Promise<{ ok: boolean; reason: string }> {
  const { rationale, doubt } = made;
  if (doubt !== undefined) return { ok: false, reason: doubt };
  const { verify, readAnswer } = kindOf(context.task, node);
  const found = soundness(context, node, form.text, rationale, readAnswer(rationale));
  if (!found.ok) return found;
  if (answer === undefined) return { ok: false, reason: 'its answer is none to the problem' };
  const verified = await verify?.(partOf(node), { request: form.text, rationale, answer });
  return verified?.ok === false ? { ok: false, reason: verified.reason } : found;
}
