/**
 * The same task with 300 of its prompts set apart as problems with known answers, on which a run measures its votes and debates
 * (docs/gates.md). They are never learnt from. Its benchmarks are short: it is there to compare ways of answering, not models.
 */
import type { BenchmarkItem, CalibrationItem, Prompt, PromptRequest, Task } from '../../tasks/task.ts';
import { shuffled, split } from './problems.ts';
import { svampTask } from './svamp.ts';

const SPLIT = 1;
const KNOWN = 300;
const HELD_OUT = 20;

const task = svampTask(SPLIT);
const known = shuffled(split(SPLIT).pool, 'known', ({ key }) => key).slice(0, KNOWN);
const keys = new Set(known.map(({ key }) => key));

async function* prompts(request: PromptRequest): AsyncGenerator<Prompt> {
  yield* task.prompts({ ...request, exclude: (key) => keys.has(key) || request.exclude(key) });
}

async function* calibration({ seed, count, exclude }: PromptRequest): AsyncGenerator<CalibrationItem> {
  const left = shuffled(known, seed, ({ key }) => key).filter(({ key }) => !exclude(key));
  yield* left.slice(0, count).map(({ key, text, answer }) => ({ key, text, answer }));
}

const benchmarks = task.benchmarks.map((one) => ({
  ...one,
  items: () => [...(one.items() as Iterable<BenchmarkItem>)].slice(0, HELD_OUT),
}));

export default { ...task, name: 'svamp-known', prompts, calibration, benchmarks } satisfies Task;
