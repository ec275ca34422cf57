/** What a run will cost, by what the answers of the check took. Training is left out: nobody knows it before the first job. */
import { calibrates, calibrationWanted } from '../calibration.ts';
import type { Asked as AskedCritic } from '../critic.ts';
import { votesAreApproved } from '../critic.ts';
import { probesPlanned } from '../probes.ts';
import { debateCalls, turnOf } from '../debate/forecast.ts';
import { usualTree } from '../ladder/forecast.ts';
import { debatable, drawsOf } from '../pool.ts';
import { spendOf } from '../../loop/budget.ts';
import type { TaskFacts } from './task.ts';
import type { CheckReport, Cost, Judgement, Trace } from './types.ts';

/** Of one sample or answer. */
type Unit = {
  model: string;
  promptTokens: number;
  completionTokens: number;
  seconds: number;
  perCall: number;
};
type Ahead = { unit: Unit; units: number };

/** As the loop's own forecast has it before the first iteration (engine/budget.ts). */
const TRUSTED_SHARE = 0.5;

/** Calls that an endpoint may well answer in the time of one; a GPU's server takes more, a processor's fewer. */
export const AT_ONCE = 32;

function costOf(facts: TaskFacts, ahead: Ahead[]): Cost {
  const { settings } = facts;
  const usage = ahead.map(({ unit, units }) => {
    const calls = units / unit.perCall;
    // A prompt is read once for all samples of a call, and paid for once.
    return {
      model: unit.model,
      promptTokens: unit.promptTokens * calls,
      completionTokens: unit.completionTokens * units,
    };
  });
  const spend = spendOf(settings.prices, usage);
  const calls = ahead.reduce((sum, { unit, units }) => sum + units / unit.perCall, 0);
  const minutes = ahead.reduce((sum, { unit, units }) => sum + (unit.seconds * units) / unit.perCall, 0) / 60;
  const inFlight = Math.min(AT_ONCE, settings.paging.callsInFlight * settings.paging.pagesInFlight);
  return {
    calls: Math.ceil(calls),
    tokens: Math.round(spend.tokens),
    minutes: [minutes / inFlight, minutes],
    money: Object.keys(settings.prices).length > 0 ? spend.cost : null,
  };
}

const unitOf = (
  model: string,
  trace: Pick<Trace, 'promptTokens' | 'completionTokens' | 'seconds'>,
  perCall: number,
): Unit => ({
  model,
  promptTokens: trace.promptTokens,
  completionTokens: trace.completionTokens / perCall,
  seconds: trace.seconds,
  perCall,
});

/** @param pool the traces of the pool's prompt and of the held-out problem */
export function forecast(
  facts: TaskFacts,
  models: { sample: string; item: string },
  pool: Trace,
  heldOut: Trace,
  judged: { critic: AskedCritic; judgement: Judgement; model: string }[],
): NonNullable<CheckReport['cost']> {
  const { settings, task, items } = facts;
  const sample = unitOf(models.sample, pool, Math.max(1, pool.reads.length));
  const item = unitOf(models.item, heldOut, 1);
  const learn = settings.pool.prompts;
  const rehearse = task.rehearsal ? settings.pool.rehearsal : 0;
  const calibrate = calibrates(facts) ? calibrationWanted(settings) : 0;
  const draws = drawsOf(facts, { learn, rehearse, calibrate });
  const wanted = draws.samples + draws.trees * usualTree(settings);
  const voting = draws.samples + draws.trees * settings.strategy.ladder.samples;
  const argued = debatable(facts, { purpose: 'learn' }) ? debateCalls(settings, learn + calibrate) : 0;
  const { resamples, resampledRewrites } = settings.sampling;
  const trusted = learn * TRUSTED_SHARE;
  const critiques = judged.map(({ critic, judgement, model: critics }): Ahead => {
    const real =
      critic.role === 'critic' && votesAreApproved(facts) ? voting : trusted * 2 * settings.select.perPrompt;
    return { unit: unitOf(critics, judgement, 1), units: real + probesPlanned(settings) };
  });
  const count = (...roles: string[]) => items.filter(({ role }) => roles.includes(role)).length;
  const iteration: Ahead[] = [
    { unit: sample, units: wanted + trusted * resampledRewrites * resamples },
    { unit: { ...turnOf(sample, settings), perCall: 1 }, units: argued },
    ...critiques,
    { unit: item, units: count('target', 'guard') },
  ];
  const once: Ahead[] = [
    { unit: item, units: count('target', 'guard') + 2 * count('final') },
    { unit: sample, units: settings.benchmark.majority ? count('target') * settings.sampling.samples : 0 },
  ];
  const { iterations } = settings;
  const whole = [...iteration.map(({ unit, units }) => ({ unit, units: units * iterations })), ...once];
  return { iteration: costOf(facts, iteration), run: costOf(facts, whole), iterations };
}
