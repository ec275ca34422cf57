/** What `watch` writes: pure functions from numbers to lines. */
import pc from 'picocolors';
import type { Progress, StageProgress } from '../app/runs/progress.ts';
import { decisionWord } from '../app/report/wording.ts';
import { change } from '../app/report/wording.ts';
import { targetOf } from '../app/report/tables/iterations.ts';
import type { IterationReport } from '../app/report/types.ts';
import { stageNamed } from '../loop/targets.ts';
import {
  bar,
  compact,
  cut,
  duration,
  levelRange,
  percent,
  plain,
  pValueText,
  wrap,
} from '../process/text.ts';

type Colors = ReturnType<typeof pc.createColors>;
const BAR_WIDTH = 24;
/** What stands beside a bar in a line: the stage, its count, a rate, a time. */
const BESIDE_BAR = 56;
/** Of a terminal that does not say. */
export const COLUMNS = 80;

/** Narrow terminals have a short bar, so that the count beside it is still to be seen. */
const barWidthIn = (columns: number) => Math.max(4, Math.min(BAR_WIDTH, columns - BESIDE_BAR));

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** The one line of a finished iteration. */
export function iterationLine(one: IterationReport, c: Colors): string {
  const word = decisionWord(one);
  const colored = one.decision === 'promote' ? c.green(word) : c.yellow(word);
  const share = percent(one.prompts > 0 ? one.accepted / one.prompts : 0, 0);
  return [
    c.bold(`iteration ${one.iteration}`),
    ...(one.stage ? [`stage ${one.stage.number}`] : []),
    ...(one.levels ? [`levels ${levelRange(one.levels)}`] : []),
    `pool ${one.prompts}`,
    `accepted ${one.accepted} (${share})`,
    `agreement ${one.agreement?.toFixed(2) ?? '–'}`,
    colored,
    ...(one.target || one.before
      ? [`${one.stage ? plain(one.stage.target) : 'target'} ${longChange(one)}`]
      : []),
    ...(one.decision !== 'promote' && !one.target && one.reason ? [cut(plain(one.reason), 200)] : []),
    ...(one.pValue === null || !one.target ? [] : [`p=${pValueText(one.pValue)}`]),
    ...(one.seconds === null ? [] : [duration(one.seconds)]),
  ].join('  ');
}

function longChange(one: IterationReport): string {
  const { before, after } = targetOf(one);
  return before && after ? `${percent(before.rate)} → ${percent(after.rate)}` : change(before, after);
}

/** Work per second over the last seconds, per stage; a stage that goes on after a kill starts a new count. */
export function createRates(windowMs = 10_000) {
  const seen = new Map<string, { at: number; done: number }[]>();
  return (key: string, done: number, now = Date.now()): number | undefined => {
    const points = seen.get(key) ?? [];
    if (points.length > 0 && done < points.at(-1)!.done) points.length = 0;
    points.push({ at: now, done });
    while (points.length > 2 && now - points[0]!.at > windowMs) points.shift();
    seen.set(key, points);
    const first = points[0]!;
    const elapsed = now - first.at;
    return elapsed < 1000 ? undefined : ((done - first.done) / elapsed) * 1000;
  };
}

function rateText(rate: number | undefined): string {
  if (rate === undefined) return '';
  return rate >= 10 ? `${compact(rate)}/s` : `${rate.toFixed(1)}/s`;
}

function amount(stage: StageProgress): string {
  if (stage.detail && stage.done > 0) return stage.detail;
  if (stage.total === 0 && stage.done === 0) return '';
  const numbers = stage.total > 0 ? `${grouped(stage.done)}/${grouped(stage.total)}` : grouped(stage.done);
  return `${numbers} ${stage.unit}`.trim();
}

function elapsed(stage: StageProgress, now: Date): string {
  if (!stage.startedAt) return '';
  return duration(((stage.finishedAt ?? now).getTime() - stage.startedAt.getTime()) / 1000);
}

function stageLine(
  stage: StageProgress,
  rate: number | undefined,
  now: Date,
  c: Colors,
  columns: number,
): string[] {
  const barWidth = barWidthIn(columns);
  const name = `  ${stage.name.padEnd(10)}`;
  if (stage.status === 'pending') return [c.dim(name)];
  if (stage.status === 'done') {
    const what = stage.detail ?? (stage.done > 0 ? `${grouped(stage.done)} ${stage.unit}` : '');
    return [`${name}${c.green('✓')} ${what.padEnd(barWidth + 20)} ${c.dim(elapsed(stage, now))}`];
  }
  if (stage.status === 'failed') {
    return [
      `${name}${c.red('✗ failed')}`,
      ...wrap(cut(plain(stage.error ?? 'no reason was stored'), 400), columns, '    ').map((line) =>
        c.red(line),
      ),
    ];
  }
  const again = stage.attempts > 1 ? c.yellow(`  attempt ${stage.attempts}`) : '';
  const time = c.dim(elapsed(stage, now)) + again;
  // Without a total a bar would say nothing.
  if (stage.total === 0)
    return [
      `${name}${[amount(stage), stage.done > 0 ? rateText(rate) : ''].join('  ').padEnd(barWidth + 21)} ${time}`,
    ];
  const gauge = c.cyan(bar(stage.done / stage.total, barWidth));
  return [`${name}${gauge} ${amount(stage).padEnd(20)} ${rateText(rate).padEnd(9)} ${time}`];
}

/** Which target the iteration works on, in a run with a curriculum. */
function stageText({ run, iteration }: Progress): string {
  if (iteration?.plan.stage === undefined) return '';
  const { number, of, target } = stageNamed(run.settings, iteration.plan.stage);
  return `  stage ${number} of ${of}: ${plain(target)}`;
}

/** The redrawn block of a terminal: the iteration in progress, one line per stage. */
export function progressBlock(
  progress: Progress,
  rateOf: (key: string, done: number) => number | undefined,
  c: Colors,
  now = new Date(),
  columns = COLUMNS,
): string[] {
  const { run, iteration, measuring } = progress;
  const lines: string[] = [];
  if (iteration && !iteration.finished) {
    const levels = iteration.plan.levels ? `  levels ${levelRange(iteration.plan.levels)}` : '';
    lines.push(
      `${c.bold(`iteration ${iteration.index}`)} of ${run.settings.iterations}${stageText(progress)}${levels}`,
    );
    for (const stage of progress.stages) {
      const rate =
        stage.status === 'running' ? rateOf(`${iteration.index}/${stage.name}`, stage.done) : undefined;
      lines.push(...stageLine(stage, rate, now, c, columns));
    }
  } else if (measuring) {
    const rate = rateOf('measuring', measuring.done);
    const gauge = bar(measuring.total > 0 ? measuring.done / measuring.total : 0, barWidthIn(columns));
    const what = iteration ? 'final measurement' : 'measuring the base';
    const numbers = `${grouped(measuring.done)}/${grouped(measuring.total)} items`;
    lines.push(
      c.bold(what),
      `  ${'benchmark'.padEnd(10)}${c.cyan(gauge)} ${numbers.padEnd(20)} ${rateText(rate)}`,
    );
  } else lines.push(c.dim(iteration ? 'between iterations …' : 'preparing the run …'));
  return lines;
}

/** The stage in progress as one line, for output that cannot be redrawn. */
export function progressLine(
  progress: Progress,
  rateOf: (key: string, done: number) => number | undefined,
): string | undefined {
  const { iteration, measuring } = progress;
  if (iteration && !iteration.finished) {
    const stage = progress.stages.find((one) => one.status === 'running' || one.status === 'failed');
    if (!stage) return undefined;
    if (stage.status === 'failed') {
      return `iteration ${iteration.index}  ${stage.name}  failed: ${plain(stage.error ?? 'no reason was stored')}`;
    }
    const rate = rateText(rateOf(`${iteration.index}/${stage.name}`, stage.done));
    const what = `iteration ${iteration.index}${stageText(progress)}`;
    return [what, stage.name, amount(stage), rate].filter(Boolean).join('  ');
  }
  if (measuring) return `measuring  ${grouped(measuring.done)}/${grouped(measuring.total)} items`;
  return undefined;
}

/** A stage that is done, for output that cannot be redrawn. */
export function stageDoneLine(iteration: number, stage: StageProgress): string {
  const what = stage.detail ?? (stage.done > 0 ? `${grouped(stage.done)} ${stage.unit}`.trim() : 'done');
  return [`iteration ${iteration}`, stage.name, what, elapsed(stage, new Date())].filter(Boolean).join('  ');
}
