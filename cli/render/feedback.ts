/** What came through the gateway, as text. */
import pc from 'picocolors';
import type { gatewayCounts, listFeedback } from '../../db/queries/gateway.ts';
import type { OutsideSource } from '../../db/schema.ts';
import { cut, plain } from '../../process/text.ts';

type Counts = Awaited<ReturnType<typeof gatewayCounts>>;
type Listed = Awaited<ReturnType<typeof listFeedback>>[number];

function outcome({ feedback }: Listed): string {
  if (feedback.use === null) return 'stored';
  return feedback.use === 'example'
    ? 'a reviewed example of the next iteration'
    : 'a held-out problem of later runs';
}

export function renderFeedback(
  { answers, pooled, left }: Counts,
  feedback: Listed[],
  color: boolean,
): string {
  const c = pc.createColors(color);
  if (answers.length === 0) return 'Nothing came through the gateway yet. Start it with: ratchet serve';
  const lines: string[] = [];
  for (const task of new Set(answers.map((one) => one.task))) {
    lines.push(c.bold(plain(task)));
    for (const one of answers.filter((other) => other.task === task))
      lines.push(
        `  checkpoint:${one.checkpointId}  ${one.answers} answers` +
          `${one.aborted > 0 ? `, ${one.aborted} broken off` : ''}; ${one.up} up, ${one.down} down`,
      );
    const stored = pooled.filter((one) => one.task === task);
    const from = (source: OutsideSource) => stored.find((one) => one.source === source)?.prompts ?? 0;
    lines.push(
      `  ${from('gateway') + from('import')} different prompts are stored, ${from('import')} of them imported: later runs draw them (pool.stored)`,
    );
    for (const one of left.filter((other) => other.task === task))
      lines.push(`  ${one.answers} answers whose prompt is not in the pool: ${plain(one.why ?? '')}`);
  }
  for (const one of feedback) {
    const { id, rating, by, correction, note, completionId, createdAt } = one.feedback;
    lines.push(
      `${c.bold(`feedback:${id}`)}  ${createdAt.toISOString().slice(0, 16)}  by ${plain(by)} of checkpoint:${one.completion.checkpointId} ` +
        `(${plain(completionId)}): ${rating ?? 'correction'}, ${outcome(one)}`,
    );
    if (one.prompt !== null) lines.push(`  prompt      ${cut(plain(one.prompt), 200)}`);
    if (correction !== null) lines.push(`  correction  ${cut(plain(correction), 200)}`);
    if (note !== null) lines.push(`  note        ${cut(plain(note), 200)}`);
  }
  return lines.join('\n');
}
