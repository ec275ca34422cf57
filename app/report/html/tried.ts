/** What was tried: the task, the arm, the settings that are not the defaults, and what changed the course. */
import { html } from 'hono/html';
import { isDeepStrictEqual } from 'node:util';
import { settingFields } from '../../../loop/setting-fields.ts';
import { Card, Said, type Html } from '../../html/parts.ts';
import { armTable } from '../tables/course.ts';
import { armSentence } from '../wording.ts';
import type { PageData } from './data.ts';
import { ARMS } from './headline.ts';
import { note, table, time } from './parts.ts';

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
  const arms = armTable(report);
  return Card({
    id: 'tried',
    title: 'What was tried',
    note: ARMS[report.experiment],
    children: [
      note(armSentence(report)),
      startedFrom
        ? note(
            html`It started from checkpoint ${startedFrom.checkpoint} of run
            ${Said({ text: startedFrom.run })} (${Said({ text: startedFrom.model })}): “base” on this page is
            that adapter.`,
          )
        : null,
      schedule
        ? note(
            html`Started by schedule ${Said({ text: schedule.id })} for ${schedule.week}, due
            ${time(schedule.scheduledFor)}.`,
          )
        : null,
      arms.rows.length === 0
        ? null
        : html`<h3>${arms.title}</h3>
            ${table(arms)}`,
      html`<h3>Settings that differ from the defaults</h3>`,
      changed.length === 0 ? note('None.') : settingTable(changed),
      note(
        'As they were resolved: typed in, from a preset, or suggested by the task. All of them are at the end of this page.',
      ),
    ],
  });
}

const settingTable = (rows: Changed[]): Html =>
  table({
    title: 'Settings that differ from the defaults',
    rows,
    columns: [
      { title: 'setting', html: (one) => html`<code>${one.path}</code>` },
      {
        title: 'here',
        html: (one) => html`<code>${Said({ text: valueText(one.value), most: 300 })}</code>`,
      },
      {
        title: 'default',
        html: (one) => html`<code class="muted">${Said({ text: valueText(one.default), most: 120 })}</code>`,
      },
    ],
  });
