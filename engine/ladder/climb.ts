/**
 * Solves a page of prompts by way of their parts (LADDER): each prompt is a tree of nodes in the database, and each wave asks for what is
 * open in all trees of the page. Whoever comes after a kill finds the nodes as they are: what is solved is not asked again.
 */
import { heartbeat } from '@temporalio/activity';
import {
  addNodes,
  closeNodes,
  nodesOf,
  workOn,
  type Closed,
  type LadderNode,
  type LadderSample,
} from '../../db/queries/ladder.ts';
import type { NewLadderNode, NewLadderSample } from '../../db/queries/ladder.ts';
import type { Db } from '../../db/connect.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import type { samples } from '../../db/schema.ts';
import type { IterationContext } from '../context.ts';
import { askParts } from './ask.ts';
import { solverOf } from './solver.ts';
import { nextStep, partsOf, pathOf, samplesOf, weakest } from './tree.ts';
import { LADDER, putTogether, tally, worksFor } from './work.ts';

/** Forms in which the whole of an inner node is written: one of each kind is what its parent can use. */
const INNER_FORMS = 2;

/** Samples asked for, taken from equal draws, and whole solutions that came of them. */
export type Climbed = { wanted: number; asked: number; cached: number };

type NewSample = typeof samples.$inferInsert;

/** What one look at all trees decides. */
type Wave = {
  ask: LadderNode[];
  split: NewLadderNode[];
  closed: Closed[];
  works: NewLadderSample[];
  wholes: NewSample[];
};

const isOpen = ({ status }: LadderNode): boolean => status === 'open';

/** Solves the page's trees to their end and stores the whole solutions as samples of their prompts. */
export async function climb(
  db: Db,
  context: IterationContext,
  page: readonly StoredPrompt[],
): Promise<Climbed> {
  const done: Climbed = { wanted: 0, asked: 0, cached: 0 };
  if (page.length === 0) return done;
  const solver = await solverOf(db, context);
  const ids = page.map(({ id }) => id);
  await addNodes(
    db,
    page.map(({ id, key, text, level }) => {
      return { promptId: id, path: '', depth: 0, key, text, level, checkpointId: solver.id };
    }),
  );
  const first = `${context.iteration.index}/${page[0]!.position}`;
  for (let number = 0; ; number++) {
    const nodes = await nodesOf(db, ids);
    heartbeat({ wave: number, nodes: nodes.length });
    if (!nodes.some(isOpen)) return done;
    const wave = await look(db, context, new Map(page.map((one) => [one.id, one])), nodes);
    await closeNodes(db, wave.closed, wave.works, wave.wholes);
    await addNodes(db, wave.split);
    if (wave.ask.length > 0) {
      const asked = await askParts(db, context, solver, wave.ask, `${first}/${number}`);
      done.wanted += wave.ask.reduce((sum, node) => sum + samplesOf(context, node), 0);
      done.asked += asked.asked;
      done.cached += asked.cached;
    }
  }
}

async function look(
  db: Db,
  context: IterationContext,
  prompts: ReadonlyMap<number, StoredPrompt>,
  nodes: readonly LadderNode[],
): Promise<Wave> {
  const work = Map.groupBy(
    await workOn(
      db,
      nodes.map(({ id }) => id),
    ),
    ({ nodeId }) => nodeId,
  );
  const wave: Wave = { ask: [], split: [], closed: [], works: [], wholes: [] };
  for (const [promptId, tree] of Map.groupBy(nodes, (node) => node.promptId)) {
    for (const node of tree.filter(isOpen))
      await step(context, prompts.get(promptId)!, node, tree, work, wave);
  }
  return wave;
}

async function step(
  context: IterationContext,
  prompt: StoredPrompt,
  node: LadderNode,
  tree: readonly LadderNode[],
  work: ReadonlyMap<number, LadderSample[]>,
  wave: Wave,
): Promise<void> {
  const { task, settings } = context;
  const { ladder } = settings.strategy;
  const parts = partsOf(node, tree);
  const drawnFor = ({ id }: LadderNode) => work.get(id) ?? [];
  const worksOf = (part: LadderNode) => worksFor(context, part, drawnFor(part));
  const next = nextStep(node, parts, worksOf, { task, ...ladder });
  const { id, promptId, checkpointId } = node;
  if (next.do === 'fail') wave.closed.push({ id, status: 'failed', reason: next.reason });
  if (next.do === 'split') {
    wave.split.push(
      ...next.parts.map(({ key, text, level, kind }, i) => {
        const path = pathOf(node.path, parts.length + i);
        return { promptId, path, depth: node.depth + 1, kind, key, text, level, checkpointId };
      }),
    );
  }
  if (next.do === 'ask') {
    const own = drawnFor(node);
    if (own.length >= samplesOf(context, node)) {
      const ended = tally(context, node, own);
      wave.closed.push({ id, ...ended });
      if (node.depth === 0 && ended.status === 'solved') {
        const works = own.filter(({ ok, answer }) => ok && answer === ended.answer);
        wave.wholes.push(...wholesOf(prompt, node, works, [node], work));
      }
      return;
    }
    const asking = [...wave.ask.filter((one) => one.promptId === promptId), node];
    const planned =
      tree.reduce((sum, one) => sum + drawnByModel(drawnFor(one)), 0) +
      asking.reduce((sum, one) => sum + samplesOf(context, one), 0) -
      own.length;
    if (planned <= ladder.calls) wave.ask.push(node);
    else {
      const reason = `the tree would take ${planned} samples, at most ${ladder.calls} are allowed (strategy.ladder.calls)`;
      wave.closed.push({ id, status: 'failed', reason });
    }
  }
  if (next.do === 'recombine') {
    const drawn = parts.flatMap(drawnFor);
    const most = node.depth === 0 ? ladder.forms : INNER_FORMS;
    const { works, ended } = await putTogether(context, node, next.parts, drawn, most);
    wave.closed.push({ id, ...ended, ...weakest(parts) });
    wave.works.push(...works);
    if (node.depth === 0 && ended.status === 'solved') {
      const ungated = settings.experiment === 'ungated';
      const used = works.filter(({ ok }) => ok || ungated);
      wave.wholes.push(...wholesOf(prompt, node, used, tree, work));
    }
  }
}

const drawnByModel = (drawn: readonly LadderSample[]): number =>
  drawn.filter(({ callId }) => callId !== null).length;

/**
 * Whole solutions as the prompt's first samples: from there on they go the way of all. Each stands with the last call that its tree
 * took. What only calibrates is counted by its tree's vote and needs none.
 */
function wholesOf(
  prompt: StoredPrompt,
  { checkpointId }: LadderNode,
  works: readonly NewLadderSample[],
  tree: readonly LadderNode[],
  work: ReadonlyMap<number, LadderSample[]>,
): NewSample[] {
  if (prompt.purpose === 'calibrate') return [];
  const drawn = tree.flatMap(({ id }) => work.get(id) ?? []);
  const last = drawn.findLast(({ callId }) => callId !== null);
  if (!last) return [];
  return works.map(
    ({ rewrite, request, rationale, answer, ok, reason, finishReason, completionTokens }, index) => ({
      promptId: prompt.id,
      round: 1,
      index,
      checkpointId,
      callId: last.callId!,
      rewrite,
      strategy: LADDER,
      request,
      rationale,
      answer,
      formatOk: ok,
      formatReason: reason,
      coherenceOk: ok,
      coherenceReason: reason,
      finishReason,
      completionTokens,
      fingerprint: last.fingerprint,
      seed: last.seed!,
      // Nothing was drawn for it: what a sample costs is counted without it.
      cached: true,
    }),
  );
}
