/** Testing memory entries before an iteration draws samples that may see them. */
import type { MemoryTested } from '../activities/memory/test.ts';
import type { Paging } from './measure.ts';
import { inPages, pageSize } from './pages.ts';
import { llm, main } from './proxies.ts';
import type { SafePoint } from './safe-point.ts';

/** Two greedy answers a trial, one of which an earlier test has mostly asked for: a page of them holds as many calls as one of prompts. */
const TRIALS_PER_PAGE_FACTOR = 4;

/**
 * One test after the other, as each begins at what the one before admitted, until none is left or there were as many as an
 * iteration may have. What is tested is not tested again: whoever comes after a kill goes on at the test that is open.
 */
export async function testMemory(
  iterationId: number,
  most: number,
  paging: Paging,
  safePoint: SafePoint,
): Promise<Partial<MemoryTested>> {
  await safePoint.pass();
  await llm.proposeMemory({ iterationId });
  let tested: Partial<MemoryTested> = {};
  for (let number = 0; number < most; number++) {
    await safePoint.pass();
    const test = await main.openMemoryTest({ iterationId, number });
    if (!test) break;
    const { testId, trials } = test;
    const size = pageSize(trials, paging.promptsPerPage * TRIALS_PER_PAGE_FACTOR);
    await inPages(trials, { size, inFlight: paging.pagesInFlight, gate: safePoint.pass }, (first, count) =>
      llm.memoryTestPage.executeWithOptions({ summary: `memory test ${number + 1}` }, [
        { testId, first, count },
      ]),
    );
    tested = await main.closeMemoryTest({ testId });
  }
  return tested;
}
