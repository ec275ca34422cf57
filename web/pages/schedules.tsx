/** The schedules there are: when they fire, what they ran, skipped and missed. */
import { durationWords, zonedText } from '../../cli/schedule-spec.ts';
import type { ScheduledRun, ScheduleReport } from '../../cli/schedules.ts';
import { percent } from '../../cli/text.ts';
import type { RunStatus } from '../../db/schema.ts';
import { Chip, Empty, Figure, runPath, StatusChip } from '../parts/basics.tsx';
import { Dialogue } from '../parts/dialogue.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Said } from '../parts/text.tsx';

export type ScheduleAction = 'pause' | 'unpause' | 'trigger' | 'delete';

export const SCHEDULE_ACTIONS: Record<ScheduleAction, { title: string; question: string; danger?: boolean }> =
  {
    pause: { title: 'Pause', question: 'It stops firing. A run that is under way goes on.' },
    unpause: { title: 'Unpause', question: 'It fires again at its next time.' },
    trigger: { title: 'Run now', question: 'Starts its run now, unless one is still going.' },
    delete: { title: 'Delete', question: 'Removes it. Its runs and what they promoted stay.', danger: true },
  };

export const schedulePath = (id: string, action: ScheduleAction) =>
  `/schedules/${encodeURIComponent(id)}/${action}`;

const STORED: string[] = [
  'running',
  'paused',
  'parked',
  'completed',
  'failed',
  'stopped',
] satisfies RunStatus[];

const RunRow = ({ run, timeZone }: { run: ScheduledRun; timeZone: string }) => (
  <tr>
    <td>
      <a href={runPath(run.run)} data-row="">
        {run.week}
      </a>
    </td>
    <td>{zonedText(new Date(run.scheduledFor), timeZone)}</td>
    <td>
      {STORED.includes(run.status) ? (
        <StatusChip status={run.status as RunStatus} />
      ) : (
        <Chip tone="idle">{run.status}</Chip>
      )}
      {run.reason ? (
        <div class="muted">
          <Said text={run.reason} most={200} />
        </div>
      ) : null}
    </td>
    <td class="number">
      {run.base && run.best ? `${percent(run.base.rate)} → ${percent(run.best.rate)}` : '–'}
    </td>
  </tr>
);

const ActionLink = ({ id, action }: { id: string; action: ScheduleAction }) => (
  <a class="button" href={schedulePath(id, action)} data-dialog="">
    {SCHEDULE_ACTIONS[action].title}
  </a>
);

const Schedule = ({ one }: { one: ScheduleReport }) => (
  <section class="card schedule">
    <header>
      <div>
        <h2>
          <Said text={one.schedule} most={100} />
        </h2>
        <small>
          <Said text={one.task} most={80} /> · {one.when} · {one.timeZone}
        </small>
      </div>
      <div class="actions">
        {one.paused ? <Chip tone="warn">paused</Chip> : <Chip tone="good">active</Chip>}
        <ActionLink id={one.schedule} action="trigger" />
        <ActionLink id={one.schedule} action={one.paused ? 'unpause' : 'pause'} />
        <ActionLink id={one.schedule} action="delete" />
      </div>
    </header>
    {one.note ? (
      <p class="muted">
        Paused: <Said text={one.note} />
      </p>
    ) : null}
    <dl class="figures">
      <Figure
        label="next"
        note={one.next[1] ? `then ${zonedText(new Date(one.next[1]), one.timeZone)}` : null}
      >
        <span class="small">{one.next[0] ? zonedText(new Date(one.next[0]), one.timeZone) : '–'}</span>
      </Figure>
      <Figure label="started">{one.started}</Figure>
      <Figure label="skipped" note="the run before was still going">
        {one.skipped}
      </Figure>
      <Figure label="missed" note={`later than ${durationWords(one.catchUpMs)}`}>
        {one.missed}
      </Figure>
    </dl>
    {one.runs.length === 0 ? (
      <Empty>It has not run yet.</Empty>
    ) : (
      <div class="scroll" tabindex={0} role="region" aria-label={`Runs of ${one.schedule}`}>
        <table>
          <thead>
            <tr>
              <th>week</th>
              <th>due</th>
              <th>status</th>
              <th class="number">target</th>
            </tr>
          </thead>
          <tbody>
            {one.runs.map((run) => (
              <RunRow run={run} timeZone={one.timeZone} />
            ))}
          </tbody>
        </table>
      </div>
    )}
  </section>
);

export const SchedulesPage = ({
  frame,
  schedules,
}: {
  frame: Partial<Frame>;
  schedules: ScheduleReport[];
}) => (
  <Layout {...frame} title="Schedules" section="/schedules" topic="runs">
    <div class="heading">
      <h1>Schedules</h1>
      <a class="button" href="/launch?when=schedule">
        New schedule
      </a>
    </div>
    <div id="schedules" data-live="" class="stack">
      {schedules.length === 0 ? (
        <Empty>
          There are no schedules. A schedule starts a run a week, say, from the checkpoint that its task
          serves.
        </Empty>
      ) : (
        schedules.map((one) => <Schedule one={one} />)
      )}
    </div>
  </Layout>
);

export const AskPage = ({
  frame,
  id,
  action,
}: {
  frame: Partial<Frame>;
  id: string;
  action: ScheduleAction;
}) => {
  const { title, question, danger } = SCHEDULE_ACTIONS[action];
  return (
    <Dialogue frame={frame} section="/schedules" title={title}>
      <h2 id="dialog-title">
        {title}: <Said text={id} most={100} />
      </h2>
      <form method="post" action={schedulePath(id, action)}>
        <p class="muted">{question}</p>
        {action === 'pause' ? (
          <label>
            Reason <span class="help">shown with the schedule</span>
            <input name="note" maxlength={500} autocomplete="off" />
          </label>
        ) : null}
        <div class="actions">
          <a class="button" href="/schedules" data-close="">
            Cancel
          </a>
          <button class={danger ? 'danger' : 'primary'}>{title}</button>
        </div>
      </form>
    </Dialogue>
  );
};
