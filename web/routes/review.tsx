/** The review queue: claims, decisions and undo for one browser, by the same functions as `ratchet review`. */
import { Hono, type Context } from 'hono';
import { correct, judge, takeBack, type Who } from '../../cli/review.ts';
import { findRun, type RunRow } from '../../db/report.ts';
import { recentDecisions, reviewQueues } from '../../db/review-queue.ts';
import { claim, claimItem, findReviews, release } from '../../db/reviews.ts';
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

export function reviewRoutes(deps: Deps): Hono {
  const { db } = deps;
  const teller = createTeller(deps);

  async function runOf(c: Context): Promise<RunRow> {
    const id = c.req.param('run')!;
    const run = await findRun(db, id);
    if (!run) throw new PageError(404, 'No such run', `There is no run "${id}".`);
    return run;
  }

  /** This browser, which reviews from now on if it may. Without a session it holds nothing. */
  function visitor(c: Context): { who: Who; claims: boolean } {
    const known = reviewerOf(c, deps);
    const claims = mayClaim(c, known.holder !== undefined);
    if (claims) return { who: beginReviewing(c, deps), claims };
    return { who: { reviewer: known.reviewer, holder: known.holder ?? '' }, claims };
  }

  async function next(c: Context, runId: string, who: Who, skipped: number[]) {
    const item = await claim(db, runId, who.holder, skipped);
    return c.redirect(item ? itemPath(runId, item.id, skipped) : queuePath(runId, skipped), 303);
  }

  async function drawItem(c: Context, run: RunRow, id: number, who: Who, skipped: number[], draft?: Draft) {
    const item = await itemData(db, run.id, id, who);
    if (!item) throw new PageError(404, 'No such item', `The run has no review item ${id}.`);
    const standing = (await standingOf(db, run, who.holder, item.review.iterationId))!;
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

  async function drawQueue(c: Context, run: RunRow, who: Who, skipped: number[], problem?: string) {
    const [standing, recent] = await Promise.all([
      standingOf(db, run, who.holder),
      recentDecisions(db, run.id),
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
  async function tell(run: RunRow, id: number, holder: string): Promise<void> {
    if (!run.settings.review.required) return;
    const [review] = await findReviews(db, run.id, [id]);
    const standing = await standingOf(db, run, holder, review!.iterationId);
    teller.later(run.id, standing!.index, isOver(standing!));
  }

  const idOf = (c: Context) => Number(c.req.param('item'));

  return new Hono()
    .get('/review', async (c) =>
      page(c, <QueuesPage frame={frameOf(c, deps)} queues={await reviewQueues(db)} />),
    )
    .get('/runs/:run/review', async (c) => {
      const run = await runOf(c);
      const skipped = skippedOf(c.req.query('skipped'));
      const { who, claims } = visitor(c);
      const item = claims ? await claim(db, run.id, who.holder, skipped) : undefined;
      if (item) return c.redirect(itemPath(run.id, item.id, skipped));
      return drawQueue(c, run, who, skipped);
    })
    .get('/runs/:run/review/:item{[1-9][0-9]{0,14}}', async (c) => {
      const run = await runOf(c);
      const { who, claims } = visitor(c);
      if (claims) await claimItem(db, run.id, idOf(c), who.holder);
      return drawItem(c, run, idOf(c), who, skippedOf(c.req.query('skipped')));
    })
    .post('/runs/:run/review', async (c) => {
      const run = await runOf(c);
      const form = await c.req.parseBody();
      const skipped = skippedOf(form.skipped);
      if (form.action === 'name') {
        const name = cleanName(typeof form.name === 'string' ? form.name : '');
        if (!name) throw new PageError(400, 'No name', 'Decisions are stored under a name: give one.');
        const before = reviewerOf(c, deps).holder;
        if (before !== undefined) await release(db, before);
        return next(c, run.id, beginReviewing(c, deps, name), skipped);
      }
      const who = beginReviewing(c, deps);
      if (form.action === 'next') return next(c, run.id, who, skipped);
      const standing = await standingOf(db, run, who.holder);
      if (form.action === 'leave') {
        await release(db, who.holder);
        if (standing && run.settings.review.required) await teller.now(run.id, standing.index);
        return c.redirect('/review', 303);
      }
      if (form.action !== 'finish') throw new PageError(400, 'Not understood', 'The form asks for nothing.');
      const problem = standing && (await teller.now(run.id, standing.index));
      if (problem) return drawQueue(c, run, who, skipped, problem);
      return c.redirect(queuePath(run.id, skipped), 303);
    })
    .post('/runs/:run/review/:item{[1-9][0-9]{0,14}}', async (c) => {
      const run = await runOf(c);
      const id = idOf(c);
      const form = await c.req.parseBody();
      const given = (name: string) =>
        typeof form[name] === 'string' ? form[name].replaceAll('\r\n', '\n') : '';
      const skipped = skippedOf(form.skipped);
      const who = beginReviewing(c, deps);
      const note = given('note').trim() || undefined;
      switch (form.action) {
        case 'next':
          return next(c, run.id, who, skipped);
        case 'skip':
          await release(db, who.holder, [id]);
          return next(c, run.id, who, skippedOf([...skipped, id].join('.')));
        case 'undo': {
          await release(db, who.holder);
          const { problem } = await takeBack(db, run.id, id, who);
          if (!problem) await tell(run, id, who.holder);
          // Where it can't be taken back, the item's page says so.
          return c.redirect(itemPath(run.id, id, skipped), 303);
        }
        case 'accept':
        case 'reject': {
          const { problem } = await judge(db, run.id, id, { decision: form.action, note }, who);
          if (problem) return c.redirect(itemPath(run.id, id, skipped), 303);
          break;
        }
        case 'correct': {
          const rationale = given('rationale').trim() ? given('rationale') : undefined;
          const correction = { answer: given('answer'), rationale, note };
          const { problem } = await correct(db, run.id, id, correction, who);
          if (problem) {
            const draft = { answer: given('answer'), rationale: rationale ?? '', note: note ?? '', problem };
            return drawItem(c, run, id, who, skipped, draft);
          }
          break;
        }
        default:
          throw new PageError(400, 'Not understood', 'The form asks for nothing.');
      }
      await tell(run, id, who.holder);
      return next(c, run.id, who, skipped);
    });
}
