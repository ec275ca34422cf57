/** Answers that people wrote, as the task tells of them: samples beside the model's, without a vote, under the same gates. */
import { inArray, isNotNull, and } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import { insertNew } from '../db/insert-new.ts';
import type { StoredPrompt } from '../db/queries/prompts.ts';
import { addPersonCall } from '../db/queries/calls.ts';
import { samples } from '../db/schema.ts';
import { formsOf, samplerOf, type IterationContext } from './context.ts';
import { readWork } from './reading.ts';

const WRITTEN = 'written';

/** What no model counted: English has about four characters to a token. */
const tokensOf = (text: string): number => Math.ceil(text.length / 4);

/** Adds what people wrote of these prompts, once. An answer to a form that the prompt has not is a fault of the task. */
export async function addWritten(
  db: Db,
  context: IterationContext,
  prompts: readonly StoredPrompt[],
): Promise<void> {
  const { task, run, iteration } = context;
  if (!task.written) return;
  const { checkpoint } = samplerOf(context);
  const rows = prompts.flatMap((prompt) => {
    const read = { ...prompt, level: prompt.level ?? undefined };
    const forms = formsOf(context, read);
    return task.written!(read, forms).map(({ form: key, rationale, by }, i) => {
      const form = forms.find((one) => one.key === key);
      if (!form)
        throw new Error(`${task.name} has an answer to the form ${key} of ${prompt.key}, which it has not`);
      const work = { text: rationale, finishReason: WRITTEN, completionTokens: tokensOf(rationale) };
      return {
        promptId: prompt.id,
        origin: 'person' as const,
        round: 0,
        index: -1 - i,
        checkpointId: checkpoint.id,
        rewrite: form.key,
        strategy: WRITTEN,
        request: form.text,
        rationale,
        ...readWork(task, form, work),
        finishReason: work.finishReason,
        completionTokens: work.completionTokens,
        seed: 0,
        writtenBy: by,
      };
    });
  });
  if (rows.length === 0) return;
  const there = await db
    .selectDistinct({ promptId: samples.promptId })
    .from(samples)
    .where(
      and(
        inArray(samples.promptId, [...new Set(rows.map((row) => row.promptId))]),
        isNotNull(samples.writtenBy),
      ),
    );
  const known = new Set(there.map(({ promptId }) => promptId));
  const missing = rows.filter(({ promptId }) => !known.has(promptId));
  if (missing.length === 0) return;
  await db.transaction(async (tx) => {
    const callId = await addPersonCall(tx, { runId: run.id, iterationId: iteration.id, stage: 'generate' });
    await insertNew(
      tx,
      samples,
      missing.map((row) => ({ ...row, callId })),
    );
  });
}
