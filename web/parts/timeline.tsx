/** What was decided, changed and said, newest first. */
import { Chip, Said, type Tone } from '../../app/html/parts.ts';
import type { AdjustmentRow } from '../../db/queries/adjustments.ts';
import type { messages } from '../../db/schema.ts';
import type { RunSummary } from '../data.ts';
import { Ago, DecisionChip, iterationPath } from './basics.tsx';

type MessageRow = typeof messages.$inferSelect;

type Event = {
  at: Date;
  chip: { tone: Tone; text: string } | { decision: string };
  iteration: number;
  text: string;
  from?: string;
};

const CAUSES: Record<string, Tone> = {
  operator: 'run',
  stagnation: 'warn',
  budget: 'warn',
  roi: 'warn',
  drift: 'warn',
};

export function eventsOf(
  { run, iterations }: RunSummary,
  adjustments: AdjustmentRow[],
  messages: MessageRow[],
): Event[] {
  const events: Event[] = [
    { at: run.createdAt, chip: { tone: 'idle', text: 'started' }, iteration: 0, text: `task ${run.task}` },
    ...iterations.flatMap(({ row }): Event[] =>
      row.decision === null || row.finishedAt === null
        ? []
        : [
            {
              at: row.finishedAt,
              chip: { decision: row.decision },
              iteration: row.index,
              text: row.reason ?? '',
            },
          ],
    ),
    ...adjustments.map((one): Event => ({
      at: one.createdAt,
      chip: { tone: CAUSES[one.cause] ?? 'idle', text: one.kind },
      iteration: one.fromIteration,
      text: one.reason,
      from: one.cause,
    })),
    ...messages.map((one): Event => ({
      at: one.createdAt,
      chip: { tone: one.accepted ? 'run' : 'bad', text: one.accepted ? one.name : `${one.name}, refused` },
      iteration: one.iterationIndex,
      text: one.answer,
      from: typeof one.args.by === 'string' ? one.args.by : one.origin,
    })),
  ];
  if (run.finishedAt && run.status !== 'paused' && run.status !== 'parked')
    events.push({
      at: run.finishedAt,
      chip: {
        tone: run.status === 'failed' ? 'bad' : run.status === 'completed' ? 'good' : 'idle',
        text: run.status,
      },
      iteration: 0,
      text: run.statusReason ?? '',
    });
  return events.toSorted((a, b) => b.at.getTime() - a.at.getTime());
}

export const Timeline = ({ runId, events, most }: { runId: string; events: Event[]; most: number }) => (
  <ol class="timeline">
    {events.slice(0, most).map(({ at, chip, iteration, text, from }) => (
      <li>
        <span class="when muted">
          <Ago at={at} />
        </span>
        <span class="what">
          {'decision' in chip ? (
            <DecisionChip kind={chip.decision} />
          ) : (
            <Chip tone={chip.tone}>
              <Said text={chip.text} most={60} />
            </Chip>
          )}
          {iteration > 0 ? <a href={iterationPath(runId, iteration)}>iteration {iteration}</a> : null}
          {from ? (
            <span class="muted">
              by <Said text={from} most={60} />
            </span>
          ) : null}
        </span>
        <span class="why">
          <Said text={text} />
        </span>
      </li>
    ))}
  </ol>
);
