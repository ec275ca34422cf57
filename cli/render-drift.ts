/** How the way of writing moved over a run, as text. */
import type { createColors } from 'picocolors';
import type { DriftReport, Report } from './report-types.ts';
import { percent, plain, table, wrap, type Column } from './text.ts';

type Colors = ReturnType<typeof createColors>;

const width = 98;

/** The measures of each iteration, and below what was alarming; nothing where nothing was measured. */
export function driftTable(report: Report, c: Colors): string[] {
  const rows = report.iterations.flatMap((one) =>
    one.drift.map((drift) => ({ iteration: one.iteration, ...drift })),
  );
  if (rows.length === 0) return [];
  const right = (title: string): Column => ({ title, align: 'right' });
  const head: Column[] = [
    right('#'),
    { title: 'of' },
    right('texts'),
    right('tokens'),
    right('pairs'),
    right('bits'),
    right('compressed'),
    right('one answer'),
    right('unread'),
    right('distance'),
    { title: '' },
  ];
  const [title, ...lines] = table(
    head,
    rows.map((row) => [
      String(row.iteration),
      row.source,
      String(row.texts),
      row.tokens.toFixed(0),
      row.distinct2.toFixed(2),
      row.templateEntropy.toFixed(2),
      row.compression.toFixed(2),
      percent(row.topAnswer, 0),
      percent(row.unreadable, 0),
      row.distance?.toFixed(3) ?? '–',
      row.alarms.length > 0 ? 'alarm' : '',
    ]),
    '  ',
  );
  return [
    c.bold('Drift'),
    c.dim(title!),
    ...lines,
    ...rows.flatMap(alarmLines).map(c.yellow),
    ...wrap(
      'accepted: what the gates let through. fixed: answers of the generating checkpoint to the same prompts. ' +
        'Pairs: share of distinct pairs of words. Bits: entropy of step templates. Compressed: how many times smaller. ' +
        'Distance: Jensen–Shannon divergence of the words from the first iteration measured.',
      width,
      '  ',
    ).map(c.dim),
    '',
  ];
}

function alarmLines({ iteration, alarms }: DriftReport & { iteration: number }): string[] {
  return alarms.flatMap(({ reason }) => wrap(`iteration ${iteration}: ${plain(reason)}`, width, '  '));
}
