/**
 * The report as one HTML page that needs nothing else: no script, no request, charts as inline SVG. Its policy forbids even
 * what a hostile text might smuggle in.
 */
import { html, raw } from 'hono/html';
import { visibleString } from '../../../process/visible.ts';
import { cost } from './cost.ts';
import type { PageData } from './data.ts';
import { examples } from './examples.ts';
import { clusters, drift, gates, probes, trust } from './gates.ts';
import { headline } from './headline.ts';
import { time } from './parts.ts';
import { course, curriculum, decisions, proof } from './proof.ts';
import { reproduce } from './reproduce.ts';
import { style } from './style.ts';
import { timeline } from './timeline.ts';
import { tried } from './tried.ts';

export async function renderPage(data: PageData): Promise<string> {
  const { report } = data;
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="ratchet report --html" />
        <title>${visibleString(report.run)} · Ratchet report</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <main>
          ${headline(data)} ${proof(report)} ${curriculum(report)} ${course(report)} ${decisions(report)}
          ${tried(data)} ${gates(report)} ${probes(report)} ${trust(report)} ${clusters(report)}
          ${drift(report)} ${examples(data)} ${cost(report)} ${timeline(data)} ${reproduce(data)}
          <footer>
            Written by <code>ratchet report</code> ${time(data.writtenAt)}. The same numbers as data:
            <code>ratchet report --json</code>.
          </footer>
        </main>
      </body>
    </html> `;
  return String(page);
}
