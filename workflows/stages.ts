/** The stages of an iteration: each has a row, and one that is done is not redone. */
import {
  CancellationScope,
  isCancellation,
  setCurrentDetails,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { StageName } from '../loop/words.ts';
import { attribute } from './attributes.ts';
import { markdownTable, type MarkdownColumn } from '../loop/markdown.ts';
import { failureType, firstLine, HALTED, rootCause } from './failures.ts';
import { main } from './proxies.ts';
import type { SafePoint } from './safe-point.ts';
import { LAST_LINE } from './view.ts';

/** Counts and short texts of a stage, as its row keeps them. */
export type Output = Record<string, unknown>;

export class Stages {
  private readonly iterationId: number;
  private readonly levels: number[] | undefined;
  private readonly safePoint: SafePoint;
  private readonly done: StageLine[] = [];

  constructor(iterationId: number, levels: number[] | undefined, safePoint: SafePoint) {
    this.iterationId = iterationId;
    this.levels = levels;
    this.safePoint = safePoint;
  }

  /** Does a stage's work, or takes the output of a stage that is done. @throws Halted, BudgetExceeded before it begins */
  async run<T extends Output>(name: StageName, work: () => Promise<T>): Promise<T> {
    const { iterationId } = this;
    await this.safePoint.pass();
    this.show(name, 'running');
    upsertSearchAttributes([{ key: attribute.stage, value: name }]);
    const opened = await main.openStage({ iterationId, name });
    let output = opened.done as T | undefined;
    if (!output) {
      try {
        output = await work();
        await main.closeStage({ iterationId, name, output });
      } catch (error) {
        const cancelled = isCancellation(error) || failureType(error) === HALTED;
        // Also while the iteration is being cancelled, its rows must say what became of the stage.
        await CancellationScope.nonCancellable(() =>
          main.failStage({ iterationId, name, cancelled, error: rootCause(error).message }),
        );
        this.show(name, cancelled ? 'stopped' : 'failed', firstLine(error));
        throw error;
      }
    }
    this.done.push({ name, state: 'done', text: summary(output) });
    setCurrentDetails(details(this.levels, this.done));
    return output;
  }

  /** Shows what happens now, below the stages that are done. */
  show(name: string, state: string, text = ''): void {
    setCurrentDetails(details(this.levels, [...this.done, { name, state, text }]));
  }
}

type StageLine = { name: string; state: string; text: string };

const stageColumns: MarkdownColumn<StageLine>[] = [
  { title: 'stage', cell: ({ name }) => name },
  { title: 'state', cell: ({ state }) => state },
  { title: 'output', cell: ({ text }) => text },
];

function details(levels: number[] | undefined, rows: StageLine[]): string {
  const pool = levels ? `Levels in the pool: ${levels.join(', ')}\n\n` : '';
  return `${pool}${markdownTable(stageColumns, rows)}\n\n*To steer it, send messages to the run.*\n\n${LAST_LINE}`;
}

/** A stage's output in a table cell: scalars only. */
function summary(output: Output): string {
  return Object.entries(output)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(([key, value]) => `${key} ${String(value).replaceAll('|', '/')}`)
    .join(', ');
}
