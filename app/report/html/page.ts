/** The report as one HTML page that needs nothing else; its charts are inline SVG. */
import { html } from 'hono/html';
import { cost } from './cost.ts';
import type { PageData } from './data.ts';
import { examples } from './examples.ts';
import { clusters, drift, gates, probes, trust } from './gates.ts';
import { corrected } from './corrections.ts';
import { fixed } from './fixes.ts';
import { headline } from './headline.ts';
import { time } from './parts.ts';
import { course, curriculum, decisions, proof } from './proof.ts';
import { learners } from './learners.ts';
import { reproduce } from './reproduce.ts';
import { standalonePage } from './standalone.ts';
import { timeline } from './timeline.ts';
import { tried } from './tried.ts';

export async function renderPage(data: PageData): Promise<string> {
  const { report } = data;
  return standalonePage({
    title: `${report.run} · Ratchet report`,
    generator: 'ratchet report --html',
    body: html`
      ${headline(data)} ${proof(report)} ${fixed(report)} ${corrected(report)} ${learners(report)}
      ${curriculum(report)} ${course(report)} ${decisions(report)} ${tried(data)} ${gates(report)}
      ${probes(report)} ${trust(report)} ${clusters(report)} ${drift(report)} ${examples(data)}
      ${cost(report)} ${timeline(data)} ${reproduce(data)}
      <footer>
        Written by <code>ratchet report</code> ${time(data.writtenAt)}. The same numbers as data:
        <code>ratchet report --json</code>.
      </footer>
    `,
  });
}
