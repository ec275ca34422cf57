/**
 * What an adversary found, as lines that a critic trains on: the bad work with the verdict that it fails, and the good work that it was made of
 * with the verdict that it holds. Each line of the metadata says of what sample it was made, in which try and how it is known to be bad.
 */
import type { Db } from '../../db/connect.ts';
import { foundBefore } from '../../db/queries/self-play.ts';
import type { Critic } from '../../tasks/task.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import type { Line } from './lines.ts';

/** More than a run's iterations, and more than it can find. */
const ALL = 2 ** 31 - 1;

/** @param iteration of this iteration alone */
export async function criticLines(
  db: Db,
  runId: string,
  critic: Required<Pick<Critic, 'request' | 'write'>>,
  iteration?: number,
): Promise<Line[]> {
  const all = await foundBefore(db, runId, ALL, ALL);
  const line = (request: string, work: string, error: string, metadata: object): Line => ({
    text: jsonLine({
      messages: [
        ...critic.request(request, visibleOf(work)).messages,
        { role: 'assistant', content: critic.write(error) },
      ],
    }),
    metadata: jsonLine(metadata),
  });
  return all
    .filter((one) => iteration === undefined || one.iteration === iteration)
    .toReversed()
    .flatMap(({ found, sample, iteration: index }) => {
      const origin = { run: runId, iteration: index, sample: sample.id };
      const { try: number, by, kind, knownBy, reason } = found;
      return [
        line(sample.request, found.rationale, reason.split('; ')[0]!, {
          ...origin,
          verdict: 'fails',
          try: number,
          by,
          kind,
          knownBy,
        }),
        line(sample.request, sample.rationale, '', { ...origin, verdict: 'holds' }),
      ];
    });
}
