import { Hono } from 'hono';
import {
  gateTable,
  OUTCOMES,
  samplesPage,
  type SampleCursor,
  type SampleFilter,
} from '../../db/queries/browse.ts';
import { findIteration } from '../../db/queries/overview.ts';
import { auditRows } from '../../db/queries/probes.ts';
import { sampleCounts } from '../../db/queries/report.ts';
import { auditReport } from '../../app/report/iterations.ts';
import { readIteration } from '../../app/runs/progress.ts';
import type { Count } from '../cache.ts';
import { summarizeIteration } from '../data.ts';
import type { Deps } from '../deps.ts';
import { IterationPage } from '../pages/iteration.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { wantedRun } from './steer.tsx';

const PAGE = 50;

function oneOf<T extends string>(value: string | undefined, known: readonly T[]): T | undefined {
  return known.find((one) => one === value);
}

/** What is asked for that there is not is left out, as a form with nothing chosen does. */
function readFilter(query: Record<string, string>): SampleFilter {
  const prompt = query.prompt?.trim().slice(0, 200);
  return {
    gate: query.gate ? query.gate.slice(0, 100) : undefined,
    outcome: oneOf(query.outcome, OUTCOMES),
    became: oneOf(query.became, ['example', 'trained', 'out'] as const),
    answer: oneOf(query.answer, ['agrees', 'differs', 'none'] as const),
    purpose: oneOf(query.purpose, ['learn', 'rehearse'] as const),
    prompt: prompt || undefined,
  };
}

function readCursor(text: string | undefined): SampleCursor | undefined {
  if (text === undefined) return undefined;
  const [, position, round, index] = /^(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(text) ?? [];
  if (position === undefined)
    throw new PageError(400, 'No such page', 'The address names no place in the list.');
  return { position: Number(position), round: Number(round), index: Number(index) };
}

export function iterationRoutes(deps: Deps, count: Count): Hono {
  const { db } = deps;
  return new Hono().get('/runs/:run/iterations/:index{[0-9]{1,6}}', async (c) => {
    const run = await wantedRun(deps, c.req.param('run'));
    const index = Number(c.req.param('index'));
    const found = await findIteration(db, run.id, index);
    if (!found)
      throw new PageError(404, 'No such iteration', `The run "${run.id}" has no iteration ${index}.`);
    const { id, filtered, finished, before, after } = found;
    const query = c.req.query();
    const filter = readFilter(query);
    const cursor = readCursor(query.after);
    const [summary, audits, stages, gates, endings, samples] = await Promise.all([
      summarizeIteration(db, run, id),
      auditRows(db, run.id),
      count(`stages/${id}/${finished}`, finished ? Infinity : 1_000, () => readIteration(db, run, id)),
      // No verdict changes once the filter stage is done; a judgement that is made again is done at another time.
      count(`gates/${id}/${filtered}`, filtered ? Infinity : 5_000, () => gateTable(db, id)),
      count(`endings/${id}/${filtered}`, filtered ? Infinity : 5_000, async () =>
        (await sampleCounts(db, run.id)).find(({ iterationId }) => iterationId === id),
      ),
      samplesPage(db, id, filter, PAGE, cursor),
    ]);
    return page(
      c,
      <IterationPage
        frame={frameOf(c, deps)}
        data={{
          run,
          summary,
          before: before ?? undefined,
          after: after ?? undefined,
          stages,
          gates,
          endings,
          audit: auditReport(audits.filter(({ iterationId }) => iterationId === id)),
          filter,
          samples: samples.rows,
          next: samples.next,
          later: cursor !== undefined,
        }}
      />,
    );
  });
}
