import { isCancellation, setCurrentDetails } from '@temporalio/workflow';
import type { Decided } from '../activities/decide.ts';
import type { StageName } from '../db/schema.ts';
import { failureType, rootCause } from './failures.ts';
import { measure, type Paging } from './measure.ts';
import { inPages } from './pages.ts';
import { llm, main, trainer } from './proxies.ts';

export type IterationInput = { runId: string; index: number; paging: Paging };

type Output = Record<string, unknown>;

/**
 * One turn of the loop: collect → generate → evaluate → filter → adapt → benchmark → decide. Every stage has
 * a row; one that is done is skipped, so starting the same iteration again goes on where it stopped.
 */
export async function iteration({ runId, index, paging }: IterationInput): Promise<Decided> {
  const { iterationId, levels } = await main.startIteration({ runId, index });
  const done: string[] = [];

  async function stage<T extends Output>(name: StageName, work: () => Promise<T>): Promise<T> {
    setCurrentDetails(details(levels, [...done, `| ${name} | running | |`]));
    const opened = await main.openStage({ iterationId, name });
    let output = opened.done as T | undefined;
    if (!output) {
      try {
        output = await work();
        await main.closeStage({ iterationId, name, output });
      } catch (error) {
        if (!isCancellation(error)) {
          await main.failStage({ iterationId, name, error: rootCause(error).message });
        }
        throw error;
      }
    }
    done.push(`| ${name} | done | ${summary(output)} |`);
    setCurrentDetails(details(levels, done));
    return output;
  }

  const pages = { size: paging.promptsPerPage, inFlight: paging.pagesInFlight };
  const asked = (results: { wanted: number; asked: number }[]) =>
    results.reduce((sum, r) => sum + r.wanted, 0);

  const pool = await stage('collect', () => main.collect({ iterationId }));

  await stage('generate', async () => {
    const results = await inPages(pool.prompts + pool.rehearsal, pages, (first, count) =>
      llm.generatePage.executeWithOptions(span('prompts', first, count), [{ iterationId, first, count }]),
    );
    return { samples: asked(results) };
  });

  await stage('evaluate', async () => {
    const critique = (total: number, when: 'before-vote' | 'after-vote') =>
      inPages(total, pages, (first, count) =>
        llm.critiquePage.executeWithOptions(span(when, first, count), [{ iterationId, first, count, when }]),
      );
    const approved = await critique(pool.prompts + pool.rehearsal, 'before-vote');
    const voted = await main.vote({ iterationId });
    const resampled = await inPages(voted.trusted, pages, (first, count) =>
      llm.resamplePage.executeWithOptions(span('trusted prompts', first, count), [
        { iterationId, first, count },
      ]),
    );
    const critiqued = await critique(voted.trusted, 'after-vote');
    return { ...voted, resampled: asked(resampled), critiqued: asked([...approved, ...critiqued]) };
  });

  await stage('filter', () => main.filter({ iterationId }));

  const adapted = await stage(
    'adapt',
    async (): Promise<Output & { checkpointId?: number; nothing?: string; fault?: string }> => {
      const dataset = await main.buildDataset({ iterationId });
      if (dataset.datasetId === undefined)
        return { nothing: 'no example passed the gates, so nothing was trained' };
      try {
        return { ...dataset, ...(await trainer.train({ iterationId, datasetId: dataset.datasetId })) };
      } catch (error) {
        // A candidate that can't be trained is a loss for the candidate, not the end of the run.
        if (failureType(error) !== 'TrainingFailed') throw error;
        return { ...dataset, fault: rootCause(error).message };
      }
    },
  );

  await stage('benchmark', async () => {
    const { checkpointId } = adapted;
    if (checkpointId === undefined) return { items: 0 };
    return measure({ runId, checkpointId, roles: ['target', 'guard'], iterationId }, paging);
  });

  return stage('decide', () => main.decide({ iterationId, fault: adapted.fault, nothing: adapted.nothing }));
}

/** What the Temporal UI's timeline shows beside a page. */
function span(what: string, first: number, count: number): { summary: string } {
  return { summary: `${what} ${first + 1}–${first + count}` };
}

function details(levels: number[] | undefined, rows: string[]): string {
  const pool = levels ? `Levels in the pool: ${levels.join(', ')}\n\n` : '';
  return `${pool}| stage | state | output |\n|---|---|---|\n${rows.join('\n')}`;
}

/** A stage's output in a table cell: scalars only. */
function summary(output: Output): string {
  return Object.entries(output)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(([key, value]) => `${key} ${String(value).replaceAll('|', '/')}`)
    .join(', ');
}
