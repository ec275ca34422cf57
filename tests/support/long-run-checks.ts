/** What must hold of a long run, as a list of what does not. */
import { median, thirds, type LongRun } from './long-run.ts';

const MOST_EVENTS = 2_000;
const MOST_PAYLOAD_BYTES = 4 * 1024;
/**
 * Growth of the worker from the middle third of the run to its last: either bound will do. A run that is shorter than the
 * worker takes to warm up says nothing about it.
 */
const MOST_GROWTH = { share: 0.1, mb: 30, judgedFromIterations: 100 };

export function growthOf(rssMb: readonly number[]): { middle: number; last: number } {
  const [, middle, last] = thirds(rssMb);
  return { middle: median(middle), last: median(last) };
}

/** Messages that are not in the database once, or with another answer than the sender got. */
function lostMessages({ sent, recorded, adjustments }: LongRun): string[] {
  const problems: string[] = [];
  const keys = new Set(adjustments);
  for (const one of sent) {
    const what = `${one.as} ${one.id} (${one.name})`;
    const found = recorded.filter((row) => row.id === one.id);
    // An update that is refused before it is accepted leaves no trace: the sender was told.
    const least = one.outcome === 'delivered' || one.outcome === 'accepted' ? 1 : 0;
    if (found.length < least || found.length > 1) {
      problems.push(`${what} was ${one.outcome} and is recorded ${found.length} times`);
    }
    const [row] = found;
    if (!row) continue;
    if (one.as === 'update' && row.accepted !== (one.outcome === 'accepted')) {
      problems.push(
        `${what} was ${one.outcome}, but is recorded as ${row.accepted ? 'accepted' : 'refused'}`,
      );
    }
    if (row.origin !== one.as || row.name !== one.name) problems.push(`${what} is recorded as another one`);
    const adjusts = row.accepted && (row.name === 'setBudget' || row.name === 'resetCheckpoint');
    if (adjusts && !keys.has(`message/${one.id}`)) problems.push(`${what} was accepted, but changed nothing`);
  }
  const known = new Set(sent.map((one) => one.id));
  for (const { id } of recorded) if (!known.has(id)) problems.push(`nobody sent ${id}`);
  return problems;
}

/** Answers that the state of the run did not allow, in the order of arrival. */
function wrongAnswers({ recorded }: LongRun): string[] {
  const problems: string[] = [];
  let paused = false;
  for (const { id, name, accepted, answer } of recorded) {
    if (/the run is over|the iterations are over/.test(answer)) continue;
    const right = {
      pause: !paused,
      resume: paused,
      setBudget: true,
      resetCheckpoint: true,
      retryIteration: false,
      skipIteration: accepted || /no iteration is under way|skipped already/.test(answer),
    }[name];
    if (accepted !== right && name !== 'skipIteration') problems.push(`${id} (${name}): ${answer}`);
    if (name === 'skipIteration' && !right) problems.push(`${id} (${name}): ${answer}`);
    if (accepted && name === 'pause') paused = true;
    if (accepted && name === 'resume') paused = false;
  }
  return problems;
}

/** Iterations given up that nobody asked for. */
function unexplainedSkips({ skipped, recorded }: LongRun): string[] {
  const asked = recorded
    .filter((row) => row.accepted && (row.name === 'skipIteration' || row.name === 'resetCheckpoint'))
    .map((row) => row.iteration);
  return skipped
    .filter((index) => !asked.includes(index))
    .map((index) => `nobody asked for iteration ${index} to be given up`);
}

/** Accepted skips that came after the iteration's decision was stored. */
export function lateSkips({ skipped, recorded }: LongRun): number {
  return recorded.filter(
    (row) => row.accepted && row.name === 'skipIteration' && !skipped.includes(row.iteration),
  ).length;
}

export function problemsOf(run: LongRun, iterations: number): string[] {
  const { result, histories, decisions } = run;
  const { chain, longestChild, largestPayload } = histories;
  const problems = [...lostMessages(run), ...wrongAnswers(run), ...unexplainedSkips(run)];
  const decided = Object.values(decisions).reduce((sum, n) => sum + n, 0);
  if (result.status !== 'completed') problems.push(`the run ended as ${result.status}`);
  if (decided !== iterations) problems.push(`${decided} of ${iterations} iterations are decided`);
  if (chain.length < 2) problems.push('the run never continued as new');
  for (const events of [...chain, longestChild]) {
    if (events >= MOST_EVENTS) problems.push(`a history has ${events} events`);
  }
  if (largestPayload.bytes >= MOST_PAYLOAD_BYTES) {
    problems.push(`a payload of ${largestPayload.event} has ${largestPayload.bytes} bytes`);
  }
  const { middle, last } = growthOf(run.rssMb);
  const warm = iterations >= MOST_GROWTH.judgedFromIterations;
  if (warm && last - middle > Math.max(MOST_GROWTH.mb, MOST_GROWTH.share * middle)) {
    problems.push(`the worker grew from ${middle} to ${last} MB`);
  }
  return problems;
}
