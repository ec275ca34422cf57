/** How to do it again, and what to compare with. */
import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { PageData } from './data.ts';
import { block, card, characters, note, said, table, type Html } from './parts.ts';

/** Exact in any clipboard: everything beyond ASCII as an escape of JSON. */
export function settingsJson(settings: unknown): string {
  return JSON.stringify(settings, null, 2).replaceAll(
    /[^\n\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export const specDigest = (spec: unknown) => createHash('sha256').update(JSON.stringify(spec)).digest('hex');

const code = (text: string | null) => (text === null ? '–' : html`<code>${said(text, 300)}</code>`);

export function reproduce(data: PageData): Html {
  const { report, settings, taskSpec, codeVersion, models, checkpoints, heldOut } = data;
  const spec = JSON.stringify(taskSpec, null, 2);
  return card('reproduce', 'How to reproduce', '', [
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
    html`<h3>Models asked</h3>`,
    table(
      'Models asked',
      [{ title: 'role' }, { title: 'model' }, { title: 'fingerprint' }, { title: 'requests', number: true }],
      models.map((one) => [said(one.role, 60), code(one.model), code(one.fingerprint), one.requests]),
    ),
    html`<h3>Checkpoints and what trained them</h3>`,
    table(
      'Checkpoints',
      [
        { title: '#', number: true },
        { title: 'model' },
        { title: 'fingerprint' },
        { title: 'examples', number: true },
        { title: 'digest of the dataset (SHA-256)' },
        { title: 'adapter' },
      ],
      checkpoints.map((one) => [
        one.iteration === 0 ? 'base' : one.iteration,
        html`${code(one.model)}${one.id === report.best?.id && one.id !== report.base?.id ? ' (best)' : ''}`,
        code(one.fingerprint),
        one.examples ?? '–',
        code(one.digest),
        code(one.path),
      ]),
    ),
    html`<h3>Held-out problems</h3>`,
    table(
      'Held-out problems',
      [
        { title: 'benchmark' },
        { title: 'role' },
        { title: 'problems', number: true },
        { title: 'digest of problems and answers (SHA-256)' },
      ],
      heldOut.map((one) => [said(one.benchmark, 60), one.role, one.items, code(one.digest)]),
    ),
    html`<details>
        <summary>All settings, as resolved</summary>
        <pre class="block copy">${settingsJson(settings)}</pre>
      </details>
      <details>
        <summary>
          The task, as resolved (${characters(spec).toLocaleString('en-US')} characters, SHA-256
          ${specDigest(taskSpec).slice(0, 16)}…)
        </summary>
        ${block(spec, 20_000)}
      </details>`,
  ]);
}
