import { executeChild, workflowInfo } from '@temporalio/workflow';
import type { checks } from './checks.ts';
import type { Paging } from './measure.ts';
import { checksWorkflowId, WORKFLOW } from './names.ts';
import { inPages, pageSize } from './pages.ts';
import type { SafePoint } from './safe-point.ts';
import { runPriority } from './scheduled-on.ts';

/**
 * Has the sandbox look at samples, or at answers to held-out problems, in pages that are workflows of their own.
 *
 * @param name what tells these pages from others of the same workflow; @param total prompts or items
 */
export async function checkInSandbox(
  name: string,
  total: number,
  of: { iterationId: number; when?: 'before-vote' } | { evaluationId: number },
  paging: Paging,
  safePoint: SafePoint,
): Promise<void> {
  const { workflowId } = workflowInfo();
  const size = pageSize(total, paging.promptsPerPage);
  await inPages(total, { size, inFlight: paging.pagesInFlight, gate: safePoint.pass }, (first, count) =>
    executeChild<typeof checks>(WORKFLOW.checks, {
      workflowId: checksWorkflowId(workflowId, first, name),
      args: [{ ...of, first, count }],
      priority: runPriority(),
    }),
  );
}
