/** The first thing on the page: what improved, from where to where, with what proof. */
import { html } from 'hono/html';
import type { Comparison, Report } from '../report-types.ts';
import { compact, duration, percent, points, pValueText } from '../text.ts';
import type { PageData } from './data.ts';
import { chip, figure, said, time, type Html, type Tone } from './parts.ts';

/** As in `loop/promotion.ts`: a fall of just the margin is held. */
const TOLERANCE = 1e-9;

const STATUS: Record<Report['status'], Tone> = {
  running: 'run',
  paused: 'warn',
  parked: 'bad',
  completed: 'good',
  failed: 'bad',
  stopped: 'idle',
};

export const ARMS = {
  none: 'gates on',
  ungated: 'ungated: a contrast arm that trains on every majority answer',
  control: 'control: a contrast arm that trains on rehearsal prompts only',
} as const;

export const guardHeld = ({ fall, margin }: { fall: number; margin: number }) => fall <= margin + TOLERANCE;

/** What was promoted on the way to the best checkpoint, and whether its guards held. */
function guardWords({ iterations }: Report): { value: string; small: string } {
  const promoted = iterations.filter((one) => one.decision === 'promote');
  const guards = promoted.flatMap((one) => one.guards);
  if (guards.length === 0) return { value: '–', small: 'no guard was measured at a promotion' };
  const held = guards.filter(guardHeld).length;
  const worst = Math.max(...guards.map((one) => one.fall));
  const fall = worst <= 0 ? 'none fell' : `largest fall ${points(worst).replace('+', '')} points`;
  return {
    value: held === guards.length ? 'held' : `${held} of ${guards.length} held`,
    small: `at ${promoted.length} promotion${promoted.length === 1 ? '' : 's'}: ${fall}`,
  };
}

const isNew = ({ base, best }: Report) => base !== null && best !== null && base.id !== best.id;

function verdict(report: Report, target: Comparison | undefined): Html {
  const { base, best, status } = report;
  const going = ['running', 'paused', 'parked'].includes(status) ? ' The run is not finished.' : '';
  if (!base?.target) return html`Nothing has been measured yet.${going}`;
  if (!isNew(report) || !target)
    return html`No candidate was promoted: the checkpoint it started from stays the best, at
    ${percent(base.target.rate)} of target.${going}`;
  const { onlyBest, onlyBase, best: after } = target;
  return html`On the same ${after.total} held-out target problems the promoted checkpoint answers
  ${after.correct} right where the ${report.startedFrom ? 'one it started from' : 'base'} answers
  ${target.base.correct}: ${onlyBest} fixed, ${onlyBase} broken (exact one-sided McNemar, p =
  ${pValueText(target.pValue)}). It is ${said(best!.model)}, of iteration ${best!.iteration}.${going}`;
}

function finalFigure(report: Report): Html {
  const final = report.comparison.find((one) => one.role === 'final');
  if (!final || !isNew(report)) {
    const score = report.best?.final;
    if (score)
      return figure('final set, read once', percent(score.rate), `${score.correct} of ${score.total}`);
    const done = report.status === 'completed';
    return figure(
      'final set',
      'not read',
      done ? 'no final score is stored' : 'it is read once, when the run ends',
    );
  }
  const { base, best, pValue } = final;
  return figure(
    'final set, read once',
    html`${percent(base.rate).replace(' %', '')} → ${percent(best.rate)}`,
    `${points(best.rate - base.rate)} points, p = ${pValueText(pValue)}`,
  );
}

export function headline({ report, title }: PageData): Html {
  const target = report.comparison.find((one) => one.role === 'target');
  const { totals } = report;
  const guards = guardWords(report);
  const gain = target && isNew(report) ? target.best.rate - target.base.rate : undefined;
  const right = totals.pseudoLabelPrecision;
  const score =
    gain === undefined
      ? html`${percent(report.best?.target?.rate)}`
      : html`${percent(target!.base.rate).replace(' %', '')}
          <span class="arrow">→</span> ${percent(target!.best.rate)}`;
  return html`<header class="heading">
      <div>
        <p class="crumbs">Report of a run · ${said(title)} (${said(report.task)})</p>
        <h1>${said(report.run)}</h1>
        <p class="muted">
          ${time(report.startedAt)}${report.finishedAt ? html` – ${time(report.finishedAt)}` : ''} ·
          ${duration(totals.seconds)} · ${ARMS[report.experiment]}
        </p>
      </div>
      <p>${chip(STATUS[report.status], report.status)}</p>
    </header>
    ${report.statusReason ? html`<p class="banner">${said(report.statusReason, 2_000)}</p>` : ''}
    <section class="hero" aria-label="Result">
      <div>
        <h2>Held-out target accuracy</h2>
        <p class="score">${score}</p>
        ${gain === undefined ? '' : html`<p class="gain">${points(gain)} points</p>`}
      </div>
      <p class="verdict">${verdict(report, target)}</p>
    </section>
    <dl class="figures">
      ${figure('p, best over base', gain === undefined ? '–' : pValueText(target!.pValue), 'exact one-sided McNemar')}
      ${figure('guards', guards.value, guards.small)} ${finalFigure(report)}
      ${figure('promotions', String(totals.promotions), `of ${report.iterations.filter((one) => one.finished).length} finished iterations`)}
      ${figure('pseudo-labels accepted', compact(totals.accepted), right === null ? `of ${compact(totals.prompts)} prompts` : `${percent(right)} right, which the loop never saw`)}
      ${figure('spent', `${compact(totals.tokens)} tokens`, `${compact(totals.requests)} requests, ${duration(totals.seconds)}`)}
    </dl> `;
}
