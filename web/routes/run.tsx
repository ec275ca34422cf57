import { Hono } from 'hono';
import { listAdjustments, listMessages, type AdjustmentRow } from '../../db/queries/adjustments.ts';
import { driftRows } from '../../db/queries/drift.ts';
import { evaluationRows } from '../../db/queries/overview.ts';
import { newestIteration } from '../../db/queries/iterations.ts';
import { failingAttempts, type Failing } from '../../app/runs/failing.ts';
import { readProgress } from '../../app/runs/progress.ts';
import { pageData } from '../../app/report/html/data.ts';
import { renderPage } from '../../app/report/html/page.ts';
import { debateReport } from '../../app/report/debates.ts';
import { testsOfRun } from '../../db/queries/memory-tests.ts';
import { distillationReport } from '../../app/report/distillation.ts';
import { curriculumReport } from '../../app/report/curriculum.ts';
import { majorityReport, sameAnswerOf } from '../../app/report/report.ts';
import { correctionReport } from '../../app/report/corrections.ts';
import { fixReport } from '../../app/report/fixes.ts';
import { learnerReport } from '../../app/tutor/learners.ts';
import { treeReport } from '../../app/report/trees.ts';
import { selfPlayReport } from '../../app/report/self-play.ts';
import { variantReport } from '../../app/report/variants.ts';
import { workflowLink } from '../../app/temporal.ts';
import { settingsOf } from '../../loop/course.ts';
import type { Count, Remember } from '../cache.ts';
import { hasEnded, summarize, withProgress, type RunSummary } from '../data.ts';
import type { Deps } from '../deps.ts';
import { RunPage } from '../pages/run.tsx';
import { frameOf, page } from '../render.ts';
import { wantedRun } from './steer.tsx';

const EVENTS = 40;

/** What Temporal says of attempts that failed; nothing where it does not answer, since pages are read without it. */
async function failingOf({ db, temporal }: Deps, runId: string): Promise<Failing[]> {
  try {
    const [client, newest] = await Promise.all([temporal(), newestIteration(db, runId)]);
    const under = newest?.finishedAt === null ? newest.index : undefined;
    return await failingAttempts(client, runId, under);
  } catch {
    return [];
  }
}

/** Stage by benchmark, from the counts of measurements; null without a curriculum. */
async function curriculumOf({ db }: Deps, summary: RunSummary, adjustments: AdjustmentRow[]) {
  const { run, baseId, bestId, iterations } = summary;
  if (baseId === null || bestId === null || !adjustments.some(({ kind }) => kind === 'stage')) return null;
  const last = run.status === 'completed' ? (iterations.at(-1)?.row.index ?? 0) : null;
  return curriculumReport(run.settings, adjustments, await evaluationRows(db, [run.id]), {
    baseId,
    bestId,
    last,
  });
}

/** The report as one file, as `ratchet report --html` writes it: to be kept or sent on, so it is saved and not shown. */
const reportRoute = (deps: Deps): Hono =>
  new Hono().get('/runs/:run/report.html', async (c) => {
    const { id } = await wantedRun(deps, c.req.param('run'));
    const html = await renderPage(await pageData(deps.db, id));
    const name = encodeURIComponent(`${id}.html`);
    return c.html(html, 200, { 'content-disposition': `attachment; filename*=UTF-8''${name}` });
  });

export function runRoutes(deps: Deps, remember: Remember, count: Count): Hono {
  const { db } = deps;
  return new Hono().route('/', reportRoute(deps)).get('/runs/:run', async (c) => {
    const run = await wantedRun(deps, c.req.param('run'));
    const [
      [summary],
      majority,
      distillation,
      debates,
      trees,
      selfPlay,
      variants,
      fixes,
      corrections,
      adjustments,
      messages,
      drift,
      progress,
      failing,
    ] = await Promise.all([
      summarize(db, remember, [run]),
      remember(`majority/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => majorityReport(db, run.id)),
      run.settings.models.teacher
        ? remember(`distillation/${run.id}`, hasEnded(run) ? Infinity : 5_000, () =>
            distillationReport(db, run.id),
          )
        : null,
      remember(`debates/${run.id}`, hasEnded(run) ? Infinity : 5_000, async () =>
        // A task in code can't be asked here what it takes for equal.
        debateReport(db, run.id, await sameAnswerOf(run).catch(() => undefined)),
      ),
      remember(`trees/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => treeReport(db, run.id)),
      remember(`self-play/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => selfPlayReport(db, run.id)),
      remember(`variants/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => variantReport(db, run.id)),
      remember(`fixes/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => fixReport(db, run.id)),
      remember(`corrections/${run.id}`, hasEnded(run) ? Infinity : 5_000, () => correctionReport(db, run.id)),
      listAdjustments(db, run.id),
      listMessages(db, run.id),
      driftRows(db, run.id),
      hasEnded(run) ? undefined : count(`progress/${run.id}`, 1_000, () => readProgress(db, run.id)),
      run.status === 'running' ? count(`failing/${run.id}`, 2_000, () => failingOf(deps, run.id)) : undefined,
    ]);
    const asked = Number(c.req.query('events'));
    return page(
      c,
      <RunPage
        frame={frameOf(c, deps)}
        data={{
          summary: progress ? withProgress(summary!, progress) : summary!,
          majority,
          distillation,
          debates,
          trees,
          selfPlay,
          variants,
          fixes,
          learners: learnerReport(run.taskSpec),
          corrections,
          memory: await testsOfRun(db, run.id),
          adjustments,
          curriculum: await curriculumOf(deps, summary!, adjustments),
          messages,
          drift,
          progress,
          settings: settingsOf(run.settings, adjustments, Number.MAX_SAFE_INTEGER),
          temporalLink: workflowLink(deps.ui, run.id),
          failing: failing ?? [],
          events: Number.isInteger(asked) && asked > 0 ? asked : EVENTS,
        }}
      />,
    );
  });
}
