/** Schedules as text for a terminal. Times are on the clock of the schedule's own zone. */
import pc from 'picocolors';
import { change } from '../../app/report/wording.ts';
import { durationWords, zonedText } from '../../app/schedules/spec.ts';
import type { ScheduledRun, ScheduleReport } from '../../app/schedules/schedules.ts';
import { cut, plain, table, wrap } from '../../process/text.ts';

const COLUMNS = 100;
const SHOWN_TIMES = 3;

const at = (iso: string, timeZone: string) => zonedText(new Date(iso), timeZone);

/** `2026-W48 completed 25.3 → 34.1 %`. */
function result(run: ScheduledRun): string {
  const scores = run.base ? ` ${change(run.base, run.best)}` : '';
  return `${run.week} ${plain(run.status)}${scores}`;
}

export function renderSchedules(schedules: ScheduleReport[], color: boolean): string {
  const c = pc.createColors(color);
  if (schedules.length === 0)
    return 'There are no schedules yet. Make one with: ratchet schedule create arithmetic --weekly "Sun 03:00"';
  const [title, ...lines] = table(
    [
      { title: 'schedule' },
      { title: 'task' },
      { title: 'when' },
      { title: 'next' },
      { title: 'last run' },
      { title: 'skipped', align: 'right' },
      { title: 'missed', align: 'right' },
    ],
    schedules.map((one) => [
      cut(plain(one.schedule), 28),
      cut(plain(one.task.split(/[\\/]/).at(-1)!), 16),
      `${plain(one.when)} ${one.timeZone}`,
      one.paused ? 'paused' : one.next[0] ? at(one.next[0], one.timeZone) : '–',
      one.runs[0] ? result(one.runs[0]) : '–',
      String(one.skipped),
      String(one.missed),
    ]),
  );
  const notes = schedules.flatMap((one) =>
    one.paused ? wrap(`${one.schedule} is paused${one.note ? `: ${plain(one.note)}` : ''}`, COLUMNS) : [],
  );
  return [c.dim(title!), ...lines, ...(notes.length > 0 ? ['', ...notes.map(c.yellow)] : [])].join('\n');
}

export function renderSchedule(one: ScheduleReport, color: boolean): string {
  const c = pc.createColors(color);
  const next = one.next.slice(0, SHOWN_TIMES).map((time) => at(time, one.timeZone));
  const rows: [string, string][] = [
    ['when', `${plain(one.when)}, ${one.timeZone}`],
    ['next', one.paused ? '– (paused)' : next.join(', ') || '–'],
    ['started', String(one.started)],
    ['skipped', `${one.skipped} (the run before was still going)`],
    ['missed', `${one.missed} (later than the catch-up window of ${durationWords(one.catchUpMs)})`],
    ['starts from', one.input.start === 'promoted' ? "the task's promoted checkpoint" : 'the base'],
    ['prompts', one.input.pool?.unused ? 'only those that no run of the task has drawn' : 'any'],
    ['on failure', one.pauseOnFailure ? 'the schedule pauses' : 'it goes on'],
  ];
  const runs = one.runs.map((run) => [
    run.week,
    at(run.scheduledFor, one.timeZone),
    plain(run.status),
    run.base ? change(run.base, run.best) : '–',
    plain(run.run),
  ]);
  const [title, ...lines] = table(
    [
      { title: 'week' },
      { title: 'due' },
      { title: 'status' },
      { title: 'target', align: 'right' },
      { title: 'run' },
    ],
    runs,
    '  ',
  );
  return [
    `${c.bold(plain(one.schedule))}  ${plain(one.task)}${one.paused ? ` · ${c.yellow('paused')}` : ''}`,
    ...(one.note ? wrap(plain(one.note), COLUMNS - 2, '  ').map(c.yellow) : []),
    ...rows.map(([name, text]) => `  ${name.padEnd(13)}${text}`),
    ...(runs.length > 0 ? ['', c.dim(title!), ...lines] : []),
    ...one.runs.flatMap(({ run, reason }) =>
      reason ? wrap(`${run}: ${plain(reason)}`, COLUMNS - 2, '  ') : [],
    ),
  ].join('\n');
}
