/** How to do it again, and what to compare with. */
import { digestOf } from '../../../process/digest.ts';
import { html } from 'hono/html';
import type { PageData } from './data.ts';
import { Block, Card, characters, Said, type Html } from '../../html/parts.ts';
import type { Column } from '../tables/table.ts';
import { note, table } from './parts.ts';

/** Exact in any clipboard: everything beyond ASCII as an escape of JSON. */
function settingsJson(settings: unknown): string {
  return JSON.stringify(settings, null, 2).replaceAll(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export const specDigest = (spec: unknown) => digestOf(JSON.stringify(spec));

const code = (text: string | null) =>
  text === null ? '–' : html`<code>${Said({ text: text, most: 300 })}</code>`;

const titled = <Row>(title: string, rows: Row[], columns: Column<Row>[]): Html =>
  html`<h3>${title}</h3>
    ${table({ title, rows, columns })}`;

export function reproduce(data: PageData): Html {
  const { report, settings, taskSpec, codeVersion, models, checkpoints, heldOut } = data;
  const spec = JSON.stringify(taskSpec, null, 2);
  return Card({
    id: 'reproduce',
    title: 'How to reproduce',
    children: [
      html`<ol class="steps">
        <li>Check out the code at version ${code(codeVersion)}.</li>
        <li>
          Save the settings at the end of this page, as they stand, as <code>settings.json</code>; its seed is
          ${settings.seed}.
        </li>
        <li>
          Serve the models
          below${settings.promptsFile ? html`, have the prompts file ${code(settings.promptsFile)}` : ''} and
          run:
          <pre class="command">
ratchet run --input settings.json
ratchet report</pre>
        </li>
      </ol>`,
      note(
        'Prompts, rewrites, seeds of samples and training are drawn from the seed. Whether the same texts come back is the endpoint’s matter: compare fingerprints, then digests.',
      ),
      titled('Models asked', models, [
        { title: 'role', text: (one) => one.role },
        { title: 'model', html: (one) => code(one.model) },
        { title: 'fingerprint', html: (one) => code(one.fingerprint) },
        { title: 'requests', align: 'right', text: (one) => one.requests },
      ]),
      titled('Checkpoints and what trained them', checkpoints, [
        { title: '#', align: 'right', text: (one) => (one.iteration === 0 ? 'base' : one.iteration) },
        {
          title: 'model',
          html: (one) =>
            html`${code(one.model)}${one.id === report.best?.id && one.id !== report.base?.id ? ' (best)' : ''}`,
        },
        { title: 'fingerprint', html: (one) => code(one.fingerprint) },
        { title: 'examples', align: 'right', text: (one) => one.examples },
        { title: 'digest of the dataset (SHA-256)', html: (one) => code(one.digest) },
        { title: 'adapter', html: (one) => code(one.path) },
      ]),
      titled('Held-out problems', heldOut, [
        { title: 'benchmark', text: (one) => one.benchmark },
        { title: 'role', text: (one) => one.role },
        { title: 'problems', align: 'right', text: (one) => one.items },
        { title: 'digest of problems and answers (SHA-256)', html: (one) => code(one.digest) },
      ]),
      html`<details>
          <summary>All settings, as resolved</summary>
          <pre class="block copy">${settingsJson(settings)}</pre>
        </details>
        <details>
          <summary>
            The task, as resolved (${characters(spec).toLocaleString('en-US')} characters, SHA-256
            ${specDigest(taskSpec).slice(0, 16)}…)
          </summary>
          ${Block({ text: spec, most: 20_000 })}
        </details>`,
    ],
  });
}
