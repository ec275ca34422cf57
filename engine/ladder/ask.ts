/** Asks the solver for the samples of parts. What is stored is not asked for again, nor what any run drew under equal conditions. */
import type { Db } from '../../db/connect.ts';
import {
  addWork,
  storedWork,
  workOn,
  type LadderNode,
  type LadderSample,
  type NewLadderSample,
} from '../../db/queries/ladder.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { meanTokens, withinBudget } from '../budget.ts';
import { answererOf, seedOf, type IterationContext } from '../context.ts';
import { askFor, countOf, keysOf, missingOf, takeFromCache, untilWhole, type Drawing } from '../drawing.ts';
import { spread, type Draw } from '../pool.ts';
import { CUT_OFF, cutOffReason } from '../reading.ts';
import { allowanceOf, REFUSED } from '../refusals.ts';
import { kindOf, samplesOf } from './tree.ts';
import { formsOfNode, soundness } from './work.ts';

type Request = Draw & { node: LadderNode };

/** Samples that were asked for now, and those taken from equal draws. */
export type AskedParts = { asked: number; cached: number };

function drawingOf(db: Db, context: IterationContext, solver: Checkpoint): Drawing<Request, NewLadderSample> {
  const { run, iteration, settings, task } = context;
  const { role, endpoint } = answererOf(settings, task, solver);
  return {
    db,
    context,
    endpoint,
    checkpoint: solver,
    whose: { runId: run.id, iterationId: iteration.id, stage: 'ladder', role },
    what: `asking ${endpoint.model} for parts`,
    // The seed depends on the part alone, not on the tree that it is in: the same part is answered once for all of them.
    chatRequest: ({ node, form, strategy, indices }) => ({
      messages: strategy.messages(form.text),
      maxTokens: settings.sampling.maxTokens ?? kindOf(task, node).maxTokens,
      temperature: settings.sampling.temperature,
      topP: settings.sampling.topP,
      n: indices.length,
      seed: seedOf(run.settings.seed, 'ladder', node.kind ?? '', node.key, indices[0]!),
    }),
    rowOf({ node, form, strategy }, index, drawn) {
      const cutOff = drawn.finishReason === CUT_OFF;
      const read = cutOff ? undefined : kindOf(task, node).readAnswer(drawn.rationale);
      const found = cutOff
        ? { ok: false, reason: cutOffReason(drawn.completionTokens) }
        : soundness(context, node, form.text, drawn.rationale, read);
      const answer = (read === undefined ? undefined : form.mapBack(read)) ?? null;
      const asked = { rewrite: form.key, strategy: strategy.name, request: form.text };
      return { ...drawn, ...found, ...asked, nodeId: node.id, index, answer };
    },
    refused: (row, reason) => ({ ...row, ok: false, answer: null, reason }),
    write: (to, rows) => addWork(to, rows),
  };
}

/**
 * @param page names the page and wave in the budget
 * @throws ModelUnavailable
 */
export async function askParts(
  db: Db,
  context: IterationContext,
  solver: Checkpoint,
  nodes: readonly LadderNode[],
  page: string,
): Promise<AskedParts> {
  const { run, iteration, settings, task } = context;
  const drawing = drawingOf(db, context, solver);
  const { what, endpoint } = drawing;
  const wanted = nodes.flatMap((node) =>
    spread(formsOfNode(context, node), kindOf(task, node).strategies, samplesOf(context, node)).map(
      (draw) => ({ ...draw, node }),
    ),
  );
  const nodeIds = nodes.map(({ id }) => id);
  const missing = (requests: Request[], stored: LadderSample[]): Request[] => {
    const have = new Set(stored.map(({ nodeId, index }) => `${nodeId}/${index}`));
    return missingOf(requests, ({ node }, index) => have.has(`${node.id}/${index}`));
  };
  const stored = await workOn(db, nodeIds);
  const left = missing(wanted, stored);
  const allowance = allowanceOf(what, {
    share: settings.paging.failureAllowance,
    total: wanted.length,
    before: stored.filter(({ finishReason }) => finishReason === REFUSED).length,
  });
  const { cache } = settings.sampling;
  /** Equal requests of several trees are one: the others find its answer in the cache. */
  const distinct = (requests: Request[]) =>
    cache ? [...new Map(requests.map((one) => [keysOf(drawing, one)[0], one])).values()] : requests;
  const result = { asked: 0, cached: 0 };
  async function round(before: Request[]): Promise<{ asked: Request[]; still: Request[] }> {
    const hits = cache ? await takeFromCache(drawing, before, storedWork) : 0;
    result.cached += hits;
    const asked = hits > 0 ? missing(before, await workOn(db, nodeIds)) : before;
    if (asked.length === 0) return { asked, still: [] };
    await askFor(drawing, distinct(asked), allowance);
    const still = missing(asked, await workOn(db, nodeIds));
    result.asked += countOf(asked) - countOf(still);
    return { asked, still };
  }
  const { sample: each } = await meanTokens(db, run, settings, task);
  await withinBudget(
    db,
    { run, settings, task, iterationId: iteration.id },
    { key: `ladder/${page}`, model: endpoint.model, units: countOf(left), each },
    () => untilWhole(what, left, round),
  );
  return result;
}
