import type { BenchmarkRole } from '../loop/words.ts';
import type { SafePoint } from './safe-point.ts';
import { llm, main } from './proxies.ts';
import { checkInSandbox } from './check-in-sandbox.ts';
import { inPages, pageSize } from './pages.ts';

export type Paging = { pagesInFlight: number; promptsPerPage: number };

/** Held-out items are single greedy answers: a page of them holds as many calls as a page of prompts. */
const ITEMS_PER_PAGE_FACTOR = 8;

/** Measures a checkpoint on all its benchmarks of these roles that are not measured yet. */
export async function measure(
  request: {
    runId: string;
    checkpointId: number;
    roles: BenchmarkRole[];
    iterationId?: number;
  },
  paging: Paging,
  safePoint: SafePoint,
): Promise<{ items: number }> {
  await safePoint.pass();
  const plans = await main.planEvaluations(request);
  // One list of pages over all benchmarks, so that a small one does not leave the model idle.
  const items = plans.reduce((sum, plan) => sum + plan.total, 0);
  const size = pageSize(items, paging.promptsPerPage * ITEMS_PER_PAGE_FACTOR);
  const pages = plans.flatMap(({ evaluationId, benchmark, total }) =>
    Array.from({ length: Math.ceil(total / size) }, (_, i) => ({
      summary: `${benchmark} ${i * size + 1}–${Math.min(total, (i + 1) * size)}`,
      page: { evaluationId, first: i * size, count: size },
    })),
  );
  await inPages(pages.length, { size: 1, inFlight: paging.pagesInFlight, gate: safePoint.pass }, (i) => {
    const { summary, page } = pages[i]!;
    return llm.benchmarkItems.executeWithOptions({ summary }, [page]);
  });
  for (const { evaluationId, benchmark, total, sandbox } of plans) {
    if (sandbox)
      await checkInSandbox(`${benchmark}-${evaluationId}-`, total, { evaluationId }, paging, safePoint);
  }
  for (const { evaluationId } of plans) await main.closeEvaluation({ evaluationId });
  return { items };
}

/** Measures maj@K of the model that the run starts from on its target items. */
export async function measureMajority(
  runId: string,
  items: number,
  paging: Paging,
  safePoint: SafePoint,
): Promise<void> {
  const size = pageSize(items, paging.promptsPerPage);
  await inPages(items, { size, inFlight: paging.pagesInFlight, gate: safePoint.pass }, (first, count) =>
    llm.majorityPage.executeWithOptions({ summary: `majority ${first + 1}–${first + count}` }, [
      { runId, first, count },
    ]),
  );
}
