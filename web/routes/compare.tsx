import { Hono, type Context } from 'hono';
import { comparedItem, comparedItems, measuredOnBoth, type Measured } from '../../db/queries/comparisons.ts';
import type { Db } from '../../db/connect.ts';
import { checkpointsMade } from '../../db/queries/lineage.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { standingOf } from '../../db/queries/serving.ts';
import type { Remember } from '../cache.ts';
import { compared } from '../checkpoints.ts';
import type { Deps } from '../deps.ts';
import { ItemPage } from '../pages/compared-item.tsx';
import { ComparePage, SHOWS, type Decided, type Show } from '../pages/compare.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { wantedCheckpoint } from './serving.tsx';

const ITEMS = 25;
/** Characters of a rationale in the list, and of one part of it on its own page. */
const SHOWN = 2_000;
const PART = 20_000;

/** A whole number of the address. */
function numberOf(c: Context, name: string, most: number): number | undefined {
  const given = c.req.query(name);
  if (given === undefined) return undefined;
  const number = Number(given);
  if (!/^\d{1,15}$/.test(given) || number > most)
    throw new PageError(400, 'No such place', `"${name}" is not a number of anything here.`);
  return number;
}

/** What was decided of `b`, if that is how it was measured against `a`. */
async function decisionOf(db: Db, a: Checkpoint, b: Checkpoint): Promise<Decided | undefined> {
  const [made] = await checkpointsMade(db, [b.id]);
  if (!made?.decision || made.iteration?.checkpointId !== a.id) return undefined;
  return { kind: made.decision.kind, reason: made.decision.reason, iteration: made.iteration.index };
}

export function compareRoutes(deps: Deps, remember: Remember): Hono {
  const { db } = deps;

  async function two(c: Context): Promise<{ a: Checkpoint; b: Checkpoint; measured: Measured[] }> {
    const { a: first, b: second } = c.req.query();
    if (!first || !second)
      throw new PageError(
        400,
        'Which two?',
        'Choose two checkpoints in the tree of a task, then compare them.',
      );
    const [a, b] = await Promise.all([wantedCheckpoint(deps, first), wantedCheckpoint(deps, second)]);
    if (a.id === b.id)
      throw new PageError(
        400,
        'Which two?',
        `Both are checkpoint ${a.id}. Choose another one to compare it with.`,
      );
    return { a, b, measured: await measuredOnBoth(db, a, b) };
  }

  function benchmarkOf(c: Context, measured: Measured[]): Measured | undefined {
    const name = c.req.query('benchmark');
    if (name === undefined) return measured[0];
    const found = measured.find((one) => one.benchmark === name);
    if (!found) throw new PageError(404, 'No such benchmark', `No benchmark "${name}" has measured both.`);
    return found;
  }

  return new Hono()
    .get('/compare', async (c) => {
      const { a, b, measured } = await two(c);
      const current = benchmarkOf(c, measured);
      const after = numberOf(c, 'after', Number.MAX_SAFE_INTEGER);
      const asked = c.req.query('show');
      if (asked !== undefined && !SHOWS.includes(asked as Show))
        throw new PageError(400, 'No such problems', `Show ${SHOWS.join(', ')}.`);
      const [benchmarks, standing, decided] = await Promise.all([
        Promise.all(measured.map((one) => compared(db, remember, one))),
        standingOf(db, b.id),
        decisionOf(db, a, b),
      ]);
      const all = benchmarks.find((one) => one.benchmark === current?.benchmark);
      const changed = all && all.fixed + all.broken > 0;
      const show = (asked as Show | undefined) ?? (changed ? 'changed' : 'all');
      const { items, next } = current
        ? await comparedItems(db, current, {
            outcome: show === 'all' ? undefined : show,
            after,
            size: ITEMS,
            characters: SHOWN,
          })
        : { items: [], next: null };
      return page(
        c,
        <ComparePage
          frame={frameOf(c, deps)}
          data={{
            task: standing!.task,
            a,
            b,
            benchmarks,
            current: all,
            show,
            items,
            next,
            later: after !== undefined,
            decided,
            characters: SHOWN,
          }}
        />,
      );
    })
    .get('/compare/item', async (c) => {
      const { a, b, measured } = await two(c);
      const current = benchmarkOf(c, measured);
      const from = numberOf(c, 'from', 2 ** 31 - 1 - PART) ?? 0;
      const id = numberOf(c, 'item', Number.MAX_SAFE_INTEGER);
      const item = current && id ? await comparedItem(db, current, id, from, PART) : undefined;
      if (!item) throw new PageError(404, 'No such problem', 'Both have not answered such a problem.');
      return page(
        c,
        <ItemPage
          frame={frameOf(c, deps)}
          a={a}
          b={b}
          benchmark={current!.benchmark}
          item={item}
          from={from}
          size={PART}
        />,
      );
    });
}
