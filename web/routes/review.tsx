/** The review queue: claims, decisions and undo for one browser, by the same functions as `ratchet review`. */
import { Hono, type Context } from 'hono';
import { correct, judge, takeBack, type Who } from '../../app/review/review.ts';
import type { RunRow } from '../../db/queries/report.ts';
import { findRun } from '../../db/queries/runs.ts';
import { recentDecisions, reviewQueues } from '../../db/queries/review-queue.ts';
import { claim, claimItem, findReviews, release } from '../../db/queries/reviews.ts';
import type { Deps } from '../deps.ts';
import { QueuePage, QueuesPage } from '../pages/review.tsx';
import { ReviewItemPage } from '../pages/review-item.tsx';
import type { Draft } from '../parts/deciding.tsx';
import { itemPath, queuePath } from '../parts/review.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { isOver, itemData, standingOf } from '../review-data.ts';
import { beginReviewing, cleanName, createTeller, reviewerOf } from '../reviewing.ts';

/** An address must not grow without end: of more skipped items, the first come again. */
const MOST_SKIPPED = 300;

function skippedOf(text: unknown): number[] {
  if (typeof text !== 'string') return [];
  const ids = text.split('.').filter((id) => /^[1-9]\d{0,14}$/.test(id));
  return [...new Set(ids.map(Number))].slice(-MOST_SKIPPED);
}

/** Pages that are only drawn anew, and those that another site leads to, claim nothing. */
function mayClaim(c: Context, known: boolean): boolean {
  if (c.req.header('x-ratchet-refresh')) return false;
  const site = c.req.header('sec-fetch-site');
  return known || site === 'same-origin' || site === 'none';
}

/** One request about the queue of a run; `form` is empty unless it was sent. */
type Visit = {
  c: Context;
  deps: Deps;
  teller: ReturnType<typeof createTeller>;
  run: RunRow;
  form: Record<string, unknown>;
  skipped: number[];
};

async function visitOf(c: Context, deps: Deps, teller: Visit['teller']): Promise<Visit> {
  const id = c.req.param('run')!;
  const run = await findRun(deps.db, id);
  if (!run) throw new PageError(404, 'No such run', `There is no run "${id}".`);
  const isForm = c.req.method === 'POST';
  const form = isForm ? await c.req.parseBody() : {};
  const skipped = skippedOf(isForm ? form.skipped : c.req.query('skipped'));
  return { c, deps, teller, run, form, skipped };
}

/** This browser, which reviews from now on if it may. Without a session it holds nothing. */
function visitor({ c, deps }: Visit): { who: Who; claims: boolean } {
  const known = reviewerOf(c, deps);
  const claims = mayClaim(c, known.holder !== undefined);
  if (claims) return { who: beginReviewing(c, deps), claims };
  return { who: { reviewer: known.reviewer, holder: known.holder ?? '' }, claims };
}

async function next({ c, deps, run, skipped }: Visit, who: Who) {
  const item = await claim(deps.db, run.id, who.holder, skipped);
  return c.redirect(item ? itemPath(run.id, item.id, skipped) : queuePath(run.id, skipped), 303);
}

async function drawItem({ c, deps, run, skipped }: Visit, id: number, who: Who, draft?: Draft) {
  const item = await itemData(deps.db, run.id, id, who);
  if (!item) throw new PageError(404, 'No such item', `The run has no review item ${id}.`);
  const standing = (await standingOf(deps.db, run, who.holder, item.review.iterationId))!;
  return page(
    c,
    <ReviewItemPage
      frame={frameOf(c, deps)}
      item={item}
      standing={standing}
      reviewer={who.reviewer}
      skipped={skipped}
      draft={item.state.kind === 'mine' ? draft : undefined}
    />,
  );
}

async function drawQueue({ c, deps, run, skipped }: Visit, who: Who, problem?: string) {
  const [standing, recent] = await Promise.all([
    standingOf(deps.db, run, who.holder),
    recentDecisions(deps.db, run.id),
  ]);
  return page(
    c,
    <QueuePage
      frame={frameOf(c, deps)}
      runId={run.id}
      standing={standing}
      recent={recent}
      reviewer={who.reviewer}
      skipped={skipped}
      problem={problem}
    />,
  );
}

/** Sees to it that the iteration of an item hears of a decision, or does not while none stands. */
async function tell({ deps, teller, run }: Visit, id: number, holder: string): Promise<void> {
  if (!run.settings.review.required) return;
  const [review] = await findReviews(deps.db, run.id, [id]);
  const standing = await standingOf(deps.db, run, holder, review!.iterationId);
  teller.later(run.id, standing!.index, isOver(standing!));
}

const notUnderstood = () => new PageError(400, 'Not understood', 'The form asks for nothing.');

async function answerQueue(visit: Visit) {
  const { c, deps, teller, run, form, skipped } = visit;
  if (form.action === 'name') {
    const name = cleanName(typeof form.name === 'string' ? form.name : '');
    if (!name) throw new PageError(400, 'No name', 'Decisions are stored under a name: give one.');
    const before = reviewerOf(c, deps).holder;
    if (before !== undefined) await release(deps.db, before);
    return next(visit, beginReviewing(c, deps, name));
  }
  const who = beginReviewing(c, deps);
  if (form.action === 'next') return next(visit, who);
  const standing = await standingOf(deps.db, run, who.holder);
  if (form.action === 'leave') {
    await release(deps.db, who.holder);
    if (standing && run.settings.review.required) await teller.now(run.id, standing.index);
    return c.redirect('/review', 303);
  }
  if (form.action !== 'finish') throw notUnderstood();
  const problem = standing && (await teller.now(run.id, standing.index));
  if (problem) return drawQueue(visit, who, problem);
  return c.redirect(queuePath(run.id, skipped), 303);
}

async function answerItem(visit: Visit, id: number) {
  const { c, deps, run, form, skipped } = visit;
  const { db } = deps;
  const given = (name: string) => {
    const value = form[name];
    return typeof value === 'string' ? value.replaceAll('\r\n', '\n') : '';
  };
  const toItem = () => c.redirect(itemPath(run.id, id, skipped), 303);
  const who = beginReviewing(c, deps);
  const note = given('note').trim() || undefined;
  switch (form.action) {
    case 'next':
      return next(visit, who);
    case 'skip':
      await release(db, who.holder, [id]);
      return next({ ...visit, skipped: skippedOf([...skipped, id].join('.')) }, who);
    case 'undo': {
      await release(db, who.holder);
      const { problem } = await takeBack(db, run.id, id, who);
      if (!problem) await tell(visit, id, who.holder);
      // Where it can't be taken back, the item's page says so.
      return toItem();
    }
    case 'accept':
    case 'reject': {
      const { problem } = await judge(db, run.id, id, { decision: form.action, note }, who);
      if (problem) return toItem();
      break;
    }
    case 'correct': {
      const rationale = given('rationale').trim() ? given('rationale') : undefined;
      const answer = given('answer');
      const { problem } = await correct(db, run.id, id, { answer, rationale, note }, who);
      if (problem)
        return drawItem(visit, id, who, { answer, rationale: rationale ?? '', note: note ?? '', problem });
      break;
    }
    default:
      throw notUnderstood();
  }
  await tell(visit, id, who.holder);
  return next(visit, who);
}

export function reviewRoutes(deps: Deps): Hono {
  const teller = createTeller(deps);
  const visitFrom = (c: Context) => visitOf(c, deps, teller);
  const idOf = (c: Context) => Number(c.req.param('item'));

  return new Hono()
    .get('/review', async (c) =>
      page(c, <QueuesPage frame={frameOf(c, deps)} queues={await reviewQueues(deps.db)} />),
    )
    .get('/runs/:run/review', async (c) => {
      const visit = await visitFrom(c);
      const { run, skipped } = visit;
      const { who, claims } = visitor(visit);
      const item = claims ? await claim(deps.db, run.id, who.holder, skipped) : undefined;
      return item ? c.redirect(itemPath(run.id, item.id, skipped)) : drawQueue(visit, who);
    })
    .get('/runs/:run/review/:item{[1-9][0-9]{0,14}}', async (c) => {
      const visit = await visitFrom(c);
      const { who, claims } = visitor(visit);
      if (claims) await claimItem(deps.db, visit.run.id, idOf(c), who.holder);
      return drawItem(visit, idOf(c), who);
    })
    .post('/runs/:run/review', async (c) => answerQueue(await visitFrom(c)))
    .post('/runs/:run/review/:item{[1-9][0-9]{0,14}}', async (c) => answerItem(await visitFrom(c), idOf(c)));
}
