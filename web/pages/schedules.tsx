/** The schedules there are: when they fire, what they ran, skipped and missed. */
import { Chip, Empty, Figure, Said, StatusChip } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import type { RunStatus } from '../../loop/words.ts';
import { durationWords, zonedText } from '../../app/schedules/spec.ts';
import type { ScheduledRun, ScheduleReport } from '../../app/schedules/schedules.ts';
import { percent } from '../../process/text.ts';
import { runPath } from '../parts/basics.tsx';
import { Dialogue } from '../parts/dialogue.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';

export type ScheduleAction = 'pause' | 'unpause' | 'trigger' | 'delete';

export const SCHEDULE_ACTIONS: Record<ScheduleAction, { title: string; question: string; danger?: boolean }> =
  {
    pause: { title: 'Pause', question: 'It stops firing. A run that is under way goes on.' },
    unpause: { title: 'Unpause', question: 'It fires again at its next time.' },
    trigger: { title: 'Run now', question: 'Starts its run now, unless one is still going.' },
    delete: { title: 'Delete', question: 'Removes it. Its runs and what they promoted stay.', danger: true },
  };

const schedulePath = (id: string, action: ScheduleAction) => `/schedules/${encodeURIComponent(id)}/${action}`;

const STORED: string[] = [
  'running',
  'paused',
  'parked',
  'completed',
  'failed',
  'stopped',
] satisfies RunStatus[];

const Status = ({ run }: { run: ScheduledRun }) => (
  <>
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
  </>
);

const Runs = ({ one: { schedule, runs, timeZone } }: { one: ScheduleReport }) => (
  <DataTable
    title={`Runs of ${schedule}`}
    rows={runs}
    columns={[
      {
        title: 'week',
        html: (run) => (
          <a href={runPath(run.run)} data-row="">
            {run.week}
          </a>
        ),
      },
      { title: 'due', text: (run) => zonedText(new Date(run.scheduledFor), timeZone) },
      { title: 'status', html: (run) => <Status run={run} /> },
      {
        title: 'target',
        align: 'right',
        text: ({ base, best }) => (base && best ? `${percent(base.rate)} → ${percent(best.rate)}` : null),
      },
    ]}
  />
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
    {one.runs.length === 0 ? <Empty>It has not run yet.</Empty> : <Runs one={one} />}
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
