/** What was tried: the task, the arm, the settings that are not the defaults, and what changed the course. */
import { html } from 'hono/html';
import { isDeepStrictEqual } from 'node:util';
import { settingFields } from '../../loop/setting-fields.ts';
import { armSentence, change } from '../render-report.ts';
import type { Report } from '../report-types.ts';
import { points } from '../text.ts';
import type { PageData } from './data.ts';
import { ARMS } from './headline.ts';
import { card, note, said, table, time, type Html } from './parts.ts';

export type Changed = { path: string; value: unknown; default: unknown };

const at = (tree: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (node, name) =>
        typeof node === 'object' && node !== null ? (node as Record<string, unknown>)[name] : undefined,
      tree,
    );

/** Fields of the input whose resolved value is not the schema's default: typed in, of a preset or suggested by the task. */
export function changedSettings(settings: unknown): Changed[] {
  return settingFields().flatMap(({ path, default: usual }) => {
    const value = at(settings, path);
    return value === undefined || isDeepStrictEqual(value, usual) ? [] : [{ path, value, default: usual }];
  });
}

const valueText = (value: unknown) =>
  value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);

export function tried({ report, settings }: PageData): Html {
  const { startedFrom, schedule } = report;
  const changed = changedSettings(settings);
  return card('tried', 'What was tried', `${ARMS[report.experiment]}`, [
    note(armSentence(report)),
    startedFrom
      ? note(
          html`It started from checkpoint ${startedFrom.checkpoint} of run ${said(startedFrom.run)}
          (${said(startedFrom.model)}): “base” on this page is that adapter.`,
        )
      : '',
    schedule
      ? note(
          html`Started by schedule ${said(schedule.id)} for ${schedule.week}, due
          ${time(schedule.scheduledFor)}.`,
        )
      : '',
    arms(report),
    html`<h3>Settings that differ from the defaults</h3>`,
    changed.length === 0
      ? note('None.')
      : table(
          'Settings that differ from the defaults',
          [{ title: 'setting' }, { title: 'here' }, { title: 'default' }],
          changed.map((one) => [
            html`<code>${one.path}</code>`,
            html`<code>${said(valueText(one.value), 300)}</code>`,
            html`<code class="muted">${said(valueText(one.default), 120)}</code>`,
          ]),
        ),
    note(
      'As they were resolved: typed in, from a preset, or suggested by the task. All of them are at the end of this page.',
    ),
  ]);
}

function arms(report: Report): unknown {
  if (report.otherArms.length === 0) return '';
  const own = report.comparison.find((one) => one.role === 'target');
  const { run, experiment } = report;
  const rows = [
    { run, experiment, base: own?.base ?? null, best: own?.best ?? null },
    ...report.otherArms,
  ].map((arm) => [
    said(arm.run),
    arm.experiment === 'none' ? 'gates on' : arm.experiment,
    change(arm.base, arm.best),
    arm.base && arm.best ? points(arm.best.rate - arm.base.rate) : '–',
  ]);
  return [
    html`<h3>Contrast: same task and seed</h3>`,
    table(
      'Contrast',
      [{ title: 'run' }, { title: 'arm' }, { title: 'target' }, { title: 'points', number: true }],
      rows,
    ),
  ];
}
