/** The report as text for a terminal, no table and no paragraph wider than 100 columns. */
import pc from 'picocolors';
import { endingsText, estimatedText } from '../../app/report/endings.ts';
import { curriculumNote, curriculumTable } from '../../app/report/tables/curriculum.ts';
import { armTable, courseTable, messageTable } from '../../app/report/tables/course.ts';
import { MEMORY_NOTE, memoryTestTable, shortTermNote } from '../../app/report/tables/memory.ts';
import { iterationTable } from '../../app/report/tables/iterations.ts';
import type { Report } from '../../app/report/types.ts';
import { armSentence } from '../../app/report/wording.ts';
import { compact, duration, percent, plain, wrap } from '../../process/text.ts';
import {
  comparisonLines,
  correctionLines,
  debateLines,
  treeLines,
  variantLines,
  distillationLines,
  fixLines,
  groupTables,
  learnerLines,
} from './comparison.ts';
import { decisionReasons } from './decisions.ts';
import { clusterLines, driftLines, gateLines, probeLines, reviewLines, voteLines } from './judging.ts';
import { COLUMNS, paragraph, section } from './table.ts';

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
  return rows.flatMap(([name, text]) =>
    wrap(text, COLUMNS, ' '.repeat(15)).map((line, i) =>
      i === 0 ? `  ${name.padEnd(13)}${line.trimStart()}` : line,
    ),
  );
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
  return lines.flatMap(paragraph);
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
    ...(report.statusReason ? paragraph(plain(report.statusReason)) : []),
    '',
    ...comparisonLines(report, c),
    ...distillationLines(report, c),
    ...groupTables(report, c),
    ...section(curriculumTable(report.curriculum), c, paragraph(curriculumNote('*')).map(c.dim)),
    ...section(iterationTable(report.iterations), c),
    ...decisionReasons(report, c),
    ...voteLines(report, c),
    ...fixLines(report, c),
    ...learnerLines(report, c),
    ...correctionLines(report, c),
    ...treeLines(report, c),
    ...variantLines(report, c),
    ...debateLines(report, c),
    ...section(memoryTestTable(report.memory), c, paragraph(MEMORY_NOTE).map(c.dim)),
    ...gateLines(report, c),
    ...probeLines(report, c),
    ...reviewLines(report, c),
    ...clusterLines(report, c),
    ...driftLines(report, c),
    ...section(courseTable(report), c, shortTermNote(report).flatMap(paragraph)),
    ...section(messageTable(report), c),
    ...section(armTable(report), c),
    ...wrap(armSentence(report), COLUMNS),
    ...summary(report),
    ...(unfinished ? [`  base: target ${percent(report.base!.target!.rate)}`] : []),
  ].join('\n');
}
