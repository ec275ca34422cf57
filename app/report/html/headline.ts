/** The first thing on the page: what improved, from where to where, with what proof. */
import { html } from 'hono/html';
import type { Comparison, Report } from '../types.ts';
import { compact, duration, percent, points, pValueText } from '../../../process/text.ts';
import { change, leftOut } from '../wording.ts';
import type { PageData } from './data.ts';
import { Figure, Said, StatusChip, type Html } from '../../html/parts.ts';
import { guardHeld } from '../tables/iterations.ts';
import { time } from './parts.ts';

export const ARMS = {
  none: 'gates on',
  ungated: 'ungated: a contrast arm that trains on every majority answer',
  control: 'control: a contrast arm that trains on rehearsal prompts only',
} as const;

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
  ${pValueText(target.pValue)}). It is ${Said({ text: best!.model })}, of iteration
  ${best!.iteration}.${going}`;
}

function finalFigure(report: Report): Html {
  const final = report.comparison.find((one) => one.role === 'final');
  if (!final || !isNew(report)) {
    const score = report.best?.final;
    const unread =
      report.status === 'completed' ? 'no final score is stored' : 'it is read once, when the run ends';
    return Figure({
      label: score ? 'final set, read once' : 'final set',
      children: score ? percent(score.rate) : 'not read',
      note: score ? `${score.correct} of ${score.total}` : unread,
    });
  }
  const { base, best, pValue } = final;
  return Figure({
    label: 'final set, read once',
    children: change(base, best),
    note: `${points(best.rate - base.rate)} points, p = ${pValueText(pValue)}`,
  });
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
  const finished = report.iterations.filter((one) => one.finished).length;
  const accepted =
    right === null
      ? `of ${compact(totals.prompts)} prompts`
      : `${percent(right)} right, which the loop never saw`;
  const spent = `${compact(totals.requests)} requests, ${duration(totals.seconds)}`;
  const figure = (label: string, children: string, note: string) => Figure({ label, children, note });
  return html`<header class="heading">
      <div>
        <p class="crumbs">Report of a run · ${Said({ text: title })} (${Said({ text: report.task })})</p>
        <h1>${Said({ text: report.run })}</h1>
        <p class="muted">
          ${time(report.startedAt)}${report.finishedAt ? html` – ${time(report.finishedAt)}` : ''} ·
          ${duration(totals.seconds)} · ${ARMS[report.experiment]}
        </p>
      </div>
      <p>${StatusChip({ status: report.status })}</p>
    </header>
    ${report.statusReason ? html`<p class="banner">${Said({ text: report.statusReason, most: 2_000 })}</p>` : ''}
    ${report.taskProblem ? html`<p class="banner">${Said({ text: leftOut(report.taskProblem), most: 2_000 })}</p>` : ''}
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
      ${figure('promotions', String(totals.promotions), `of ${finished} finished iterations`)}
      ${figure('pseudo-labels accepted', compact(totals.accepted), accepted)}
      ${figure('spent', `${compact(totals.tokens)} tokens`, spent)}
    </dl> `;
}
