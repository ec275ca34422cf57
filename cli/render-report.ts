/** The report as text for a terminal, no table wider than 100 columns. */
import pc from 'picocolors';
import { endingsText, estimatedText } from './endings.ts';
import { driftTable } from './render-drift.ts';
import { comparisonTable, groupTables } from './render-comparison.ts';
import { decisionReasons, decisionWord } from './render-decisions.ts';
import { auditTable, gateTable } from './render-gates.ts';
import { reviewTable } from './render-review.ts';
import { voteTable } from './render-votes.ts';
import type { IterationReport, Report, Score } from './report-types.ts';
import {
  compact,
  duration,
  levelRange,
  percent,
  plain,
  points,
  pValueText,
  table,
  wrap,
  type Column,
} from './text.ts';

const columns = 100;
type Colors = ReturnType<typeof pc.createColors>;

/** `25.3 % → 34.1 %`, as far as it is known. */
export function change(before: Score | null, after: Score | null): string {
  if (!after) return before ? percent(before.rate) : '–';
  return `${before ? percent(before.rate).replace(' %', '') : '–'} → ${percent(after.rate)}`;
}

function iterationTable(report: Report, c: Colors): string[] {
  if (report.iterations.length === 0) return [];
  const hasLevels = report.iterations.some((one) => one.levels);
  const knowsTruth = report.iterations.some((one) => one.pseudoLabels);
  type Cell = [Column, (one: IterationReport) => string, boolean?];
  const cells: Cell[] = [
    [{ title: '#', align: 'right' }, (one) => String(one.iteration)],
    [{ title: 'levels' }, (one) => levelRange(one.levels), !hasLevels],
    [{ title: 'pool', align: 'right' }, (one) => String(one.prompts)],
    [
      { title: 'accepted', align: 'right' },
      (one) => `${one.accepted} (${percent(one.prompts ? one.accepted / one.prompts : 0, 0)})`,
    ],
    [{ title: 'right', align: 'right' }, (one) => percent(one.pseudoLabelPrecision), !knowsTruth],
    [{ title: 'agree', align: 'right' }, (one) => one.agreement?.toFixed(2) ?? '–'],
    [{ title: 'decision' }, decisionWord],
    [{ title: 'target', align: 'right' }, (one) => change(one.before, one.target)],
    [{ title: 'p', align: 'right' }, (one) => pValueText(one.pValue)],
    [{ title: 'tokens', align: 'right' }, (one) => compact(one.tokens)],
    [{ title: 'time', align: 'right' }, (one) => shortTime(one.seconds)],
  ];
  const shown = cells.filter(([, , hidden]) => !hidden);
  const [title, ...lines] = table(
    shown.map(([column]) => column),
    report.iterations.map((one) => shown.map(([, text]) => text(one))),
    '  ',
  );
  return [c.bold('Iterations'), c.dim(title!), ...lines, ''];
}

function shortTime(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 600) return `${Math.round(seconds)} s`;
  return seconds < 36_000 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** What changed the run's course, and what it was told. */
function courseTables(report: Report, c: Colors): string[] {
  const lines: string[] = [];
  const narrow = columns - 36;
  const add = (title: string, rows: string[][], head: Column[]) => {
    if (rows.length === 0) return;
    const [names, ...body] = table(head, rows, '  ');
    lines.push(c.bold(title), c.dim(names!), ...body, '');
  };
  const short = (text: string) => {
    const one = plain(text);
    return one.length > narrow ? `${one.slice(0, narrow - 1)}…` : one;
  };
  add(
    'Changes of course',
    report.course.map((one) => [String(one.iteration), one.kind, one.cause, short(one.reason)]),
    [{ title: 'from #', align: 'right' }, { title: 'what' }, { title: 'by' }, { title: 'why' }],
  );
  add(
    'Messages',
    report.messages.map((one) => [
      String(one.iteration),
      plain(one.name),
      plain(one.from),
      short(`${one.accepted ? '' : 'refused: '}${one.answer}`),
    ]),
    [{ title: 'at #', align: 'right' }, { title: 'message' }, { title: 'from' }, { title: 'answer' }],
  );
  return lines;
}

/** What this arm of the experiment shows, in one sentence. */
export function armSentence(report: Report): string {
  const target =
    report.comparison.find((one) => one.role === 'final') ??
    report.comparison.find((one) => one.role === 'target');
  const gain = target ? ` (${target.role}: ${points(target.best.rate - target.base.rate)} points)` : '';
  const right = report.totals.pseudoLabelPrecision;
  if (report.experiment === 'control') {
    return `Control: trained on rehearsal only, so any gain here${gain} is not from pseudo-labels.`;
  }
  if (report.experiment === 'ungated') {
    const share = right === null ? '' : `, and ${percent(right)} of them were right`;
    return `Ungated: every majority answer trained${share}, so what a gated run gains beyond this${gain} is the gates' doing.`;
  }
  const share = right === null ? '' : `; ${percent(right)} of them were right, which the loop never saw`;
  return `Trained on answers that passed every required gate${share}.`;
}

function contrast(report: Report, c: Colors): string[] {
  if (report.otherArms.length === 0) return [];
  const own = report.comparison.find((one) => one.role === 'target');
  const rows = [
    { run: report.run, experiment: report.experiment, base: own?.base ?? null, best: own?.best ?? null },
    ...report.otherArms,
  ].map((arm) => [
    plain(arm.run),
    arm.experiment === 'none' ? 'gates on' : arm.experiment,
    change(arm.base, arm.best),
    arm.base && arm.best ? points(arm.best.rate - arm.base.rate) : '–',
  ]);
  const head: Column[] = [
    { title: 'run' },
    { title: 'arm' },
    { title: 'target', align: 'right' },
    { title: 'points', align: 'right' },
  ];
  const [title, ...lines] = table(head, rows, '  ');
  return [c.bold('Contrast: same task and seed'), c.dim(title!), ...lines, ''];
}

function summary(report: Report): string[] {
  const { totals, best, startedFrom } = report;
  const right = totals.pseudoLabelPrecision === null ? '' : `, ${percent(totals.pseudoLabelPrecision)} right`;
  const rows: [string, string][] = [
    ['model', report.base ? plain(report.base.model) : '–'],
    ['pool', `${compact(totals.prompts)} prompts, ${compact(totals.samples)} samples${endingsText(totals)}`],
    ['accepted', `${compact(totals.accepted)} pseudo-labels${right}; ${compact(totals.examples)} examples`],
    [
      'tokens',
      `${compact(totals.tokens)} (${compact(totals.promptTokens)} read, ${compact(totals.completionTokens)} written, ` +
        `${compact(totals.trainedTokens)} trained)${estimatedText(totals)}`,
    ],
    ['leaks', leakText(report)],
    ['time', duration(totals.seconds)],
    ...returns(report),
    [
      'best',
      best
        ? `${plain(best.model)}${best.iteration === 0 ? ` (${startedFrom ? 'where it started' : 'the base'}: nothing was promoted)` : `, of iteration ${best.iteration}`}`
        : '–',
    ],
  ];
  if (best?.path) rows.push(['adapter', plain(best.path)]);
  if (best?.fingerprint) rows.push(['fingerprint', plain(best.fingerprint)]);
  return rows.map(([name, text]) => `  ${name.padEnd(13)}${text}`);
}

/** Held-out problems that were about to be learnt from. */
function leakText({ totals: { leaks } }: Report): string {
  const { collected, trained, exact, near } = leaks;
  if (collected + trained === 0) return 'none: no drawn prompt and no example was a held-out problem';
  return `${collected} of the drawn prompts and ${trained} of the examples dropped as held-out problems (${exact} exact, ${near} near)`;
}

/** Return on investment, iteration by iteration. */
function returns({ iterations }: Report): [string, string][] {
  const known = iterations.filter((one) => one.roi !== null);
  if (known.length === 0) return [];
  const unit = known[0]!.costUnit === 'money' ? 'unit of money' : 'million tokens';
  const shown = known.slice(-8).map((one) => one.roi!.toFixed(1));
  const more = known.length > shown.length ? '… ' : '';
  return [['return', `${more}${shown.join(', ')} points of target per ${unit}, by iteration`]];
}

/** What started the run, and from where, when that is not a person and the base. */
function beginning({ schedule, startedFrom }: Report): string[] {
  const lines: string[] = [];
  if (schedule)
    lines.push(
      `schedule ${plain(schedule.id)}, ${schedule.week} (due ${schedule.scheduledFor.slice(0, 16)}Z)`,
    );
  if (startedFrom)
    lines.push(
      `started from checkpoint ${startedFrom.checkpoint} of run ${plain(startedFrom.run)} (${plain(startedFrom.model)}): "base" below is that adapter`,
    );
  return lines.flatMap((line) => wrap(line, columns - 2, '  '));
}

/** Renders a report; `color` adds ANSI colours. */
export function renderReport(report: Report, options: { color?: boolean } = {}): string {
  const c = pc.createColors(options.color ?? false);
  const done = report.iterations.filter((one) => one.finished).length;
  const count = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
  const paint = { completed: c.green, failed: c.red, parked: c.red };
  const status = (paint[report.status as keyof typeof paint] ?? c.yellow)(report.status);
  const unfinished = report.comparison.length === 0 && report.base?.target;
  return [
    `${c.bold(plain(report.run))}  ${plain(report.task)} · ${status} · ${count(done, 'iteration')}, ${count(report.totals.promotions, 'promotion')}`,
    ...beginning(report),
    ...(report.statusReason ? wrap(plain(report.statusReason), columns - 2, '  ') : []),
    '',
    ...comparisonTable(report, c),
    ...groupTables(report, c),
    ...iterationTable(report, c),
    ...decisionReasons(report, c),
    ...voteTable(report, c),
    ...gateTable(report, c),
    ...auditTable(report, c),
    ...reviewTable(report, c),
    ...driftTable(report, c),
    ...courseTables(report, c),
    ...contrast(report, c),
    ...wrap(armSentence(report), columns),
    ...summary(report),
    ...(unfinished ? [`  base: target ${percent(report.base!.target!.rate)}`] : []),
  ].join('\n');
}
