/**
 * Changes of course: which adjustments are in force in an iteration, what the stagnation policy does next, and
 * which lighter strategy comes next when the budget runs short.
 */
import type { StagnationKind } from './messages.ts';
import type { ImproveSettings } from './input.ts';
import { merge } from './merge.ts';
import type { STAGNATION_STEPS } from './policy-input.ts';

type StagnationStep = (typeof STAGNATION_STEPS)[number];

/** A stored change of course, oldest first wherever there are several. */
export type Adjustment = {
  kind: string;
  fromIteration: number;
  untilIteration: number | null;
  overrides: Record<string, unknown>;
};

/** What a reset takes back; the budget's adjustments outlast it. */
const UNDONE_BY_RESET = new Set(['diversity', 'pool']);
/** What a new stage of a curriculum takes back: it was done for another target, or for another stage's budget. */
const UNDONE_BY_STAGE = new Set(['stage', 'diversity', 'pool', 'lighter']);

/** A run's settings as they hold in one iteration. */
export function settingsOf(
  settings: ImproveSettings,
  adjustments: readonly Adjustment[],
  iteration: number,
): ImproveSettings {
  const held = adjusted(settings, adjustments, iteration);
  const { temperature } = held.sampling;
  const scheduled = temperatureIn(held, iteration);
  if (scheduled === temperature) return held;
  return { ...held, sampling: { ...held.sampling, temperature: scheduled } };
}

/** The temperature of an iteration: the schedule's rise falls back in even steps, to nothing after `over` of them. */
function temperatureIn({ sampling }: ImproveSettings, iteration: number): number {
  const { add, from, over } = sampling.temperatureSchedule;
  if (add === 0 || iteration < from || iteration >= from + over) return sampling.temperature;
  return Number(Math.min(2, sampling.temperature + add * (1 - (iteration - from) / over)).toFixed(3));
}

/** The settings with the adjustments laid over them, without the temperature schedule on top. */
export function adjusted(
  settings: ImproveSettings,
  adjustments: readonly Adjustment[],
  iteration: number,
): ImproveSettings {
  const begun = adjustments.filter((one) => one.fromIteration <= iteration);
  const lastReset = begun.findLastIndex((one) => one.kind === 'reset');
  const lastStage = begun.findLastIndex((one) => one.kind === 'stage');
  return begun
    .filter((one, i) => !(i < lastReset && UNDONE_BY_RESET.has(one.kind)))
    .filter((one, i) => !(i < lastStage && UNDONE_BY_STAGE.has(one.kind)))
    .filter((one) => one.untilIteration === null || one.untilIteration >= iteration)
    .reduce((held, one) => merge(held, one.overrides), settings);
}

export type LighterStrategy = {
  name: string;
  /** The stage that it makes cheaper: no use once that is done. */
  stage: 'generate' | 'evaluate' | 'adapt';
  overrides: Record<string, unknown>;
};

/** Fewer than this many samples are no vote. */
/** What trainers choose for most language models, where a run leaves it to them and something must be reckoned. */
export const USUAL_TRAINING = { loraRank: 16, epochs: 3 };
const LEAST_SAMPLES = 3;
const LEAST_PROMPTS = 10;

/**
 * The ways to spend less, in the order in which they are taken. Fewer samples must not make the vote less sure: as
 * many of them have to agree, and by the same lead, as before.
 */
export function lighterStrategies(settings: ImproveSettings): LighterStrategy[] {
  const { samples } = settings.sampling;
  const { min, max, minMargin } = settings.gates.agreement;
  const fewer = Math.max(LEAST_SAMPLES, Math.ceil(samples / 2));
  const votes = Math.ceil(min * samples - 1e-9);
  const lead = Math.ceil(minMargin * samples - 1e-9);
  const { loraRank = USUAL_TRAINING.loraRank, epochs = USUAL_TRAINING.epochs } = settings.training;
  const { loraAlpha = 2 * loraRank } = settings.training;
  const { critique, policy } = settings.gates;
  const { critics, mode } = critique;
  const second = critics.length > 1 ? 'no second and no advisory' : 'no advisory';
  const list: (LighterStrategy | undefined)[] = [
    fewer < samples
      ? {
          name: `${fewer} instead of ${samples} samples per prompt`,
          stage: 'generate',
          overrides: {
            sampling: { samples: fewer },
            gates: {
              agreement: {
                min: Math.min(1, votes / fewer),
                minMargin: Math.min(1, lead / fewer),
                ...(votes / fewer > max ? { max: Math.min(1, votes / fewer) } : {}),
              },
            },
          },
        }
      : undefined,
    settings.strategy.debate.mode === 'on'
      ? {
          name: 'no debates: prompts that samples disagree on are left out',
          stage: 'evaluate',
          overrides: { strategy: { debate: { mode: 'off' } } },
        }
      : undefined,
    {
      name: `no second round of samples, ${second} critic`,
      stage: 'evaluate',
      overrides: {
        sampling: { resamples: 0 },
        gates: {
          critique: {
            ...(mode === 'advisory' ? { mode: 'off' } : {}),
            ...(critics.length > 1 ? { critics: critics.slice(0, 1) } : {}),
          },
          ...(policy.reward === 'advisory' ? { policy: { reward: 'off' } } : {}),
        },
      },
    },
    loraRank > 1 || epochs > 1
      ? {
          name: `adapter of rank ${Math.ceil(loraRank / 2)}, ${Math.ceil(epochs / 2)} epochs`,
          stage: 'adapt',
          overrides: {
            training: {
              loraRank: Math.ceil(loraRank / 2),
              loraAlpha: loraAlpha / 2,
              epochs: Math.ceil(epochs / 2),
            },
          },
        }
      : undefined,
    settings.pool.prompts > LEAST_PROMPTS
      ? {
          name: `${Math.max(LEAST_PROMPTS, Math.ceil(settings.pool.prompts / 2))} instead of ${settings.pool.prompts} prompts`,
          stage: 'generate',
          overrides: { pool: { prompts: Math.max(LEAST_PROMPTS, Math.ceil(settings.pool.prompts / 2)) } },
        }
      : undefined,
  ];
  return list.filter((one) => one !== undefined);
}

/** What the policy can still do about a run that makes no headway. */
export type Situation = {
  kind: StagnationKind;
  settings: ImproveSettings;
  /** Steps taken since the last promotion or reset by an operator. */
  taken: readonly string[];
  /** Does the task know further ways of asking? */
  hasAlternatives: boolean;
  hasLevels: boolean;
  /** Share of the last pool that was accepted. */
  acceptedShare: number;
  /** The checkpoint with the highest target score is another one than the present. */
  betterCheckpoint: boolean;
  /** There are accepted examples to train the base on. */
  hasExamples: boolean;
};

/** Is this an iteration that trains the base anew, by the run's own settings? */
export function isResetDue({ training }: ImproveSettings, iteration: number): boolean {
  return training.resetEvery !== undefined && iteration % training.resetEvery === 0;
}

export type Measure = { step: StagnationStep; what: string; overrides: Record<string, unknown> };

/** The next step of the policy; undefined when none is left. Steps that would change nothing are passed over. */
export function nextStep(situation: Situation): Measure | undefined {
  const { settings, taken } = situation;
  for (const step of settings.stagnation.steps) {
    if (taken.includes(step)) continue;
    const measure = MEASURES[step](situation);
    if (measure) return { step, ...measure };
  }
  return undefined;
}

/** Under this share of accepted prompts the pool is too hard to learn from. */
const HARD_POOL = 0.3;

const MEASURES: Record<StagnationStep, (s: Situation) => Omit<Measure, 'step'> | undefined> = {
  diversity({ settings, hasAlternatives }) {
    const { temperature, strategies } = settings.sampling;
    const { temperatureStep, maxTemperature } = settings.stagnation;
    const hotter = Math.min(maxTemperature, Number((temperature + temperatureStep).toFixed(3)));
    const more = hasAlternatives && strategies === 'task';
    if (hotter <= temperature && !more) return undefined;
    return {
      what: `more diverse samples: temperature ${Math.max(hotter, temperature)}${more ? ', further ways of asking' : ''}`,
      overrides: {
        sampling: {
          temperature: Math.max(hotter, temperature),
          ...(more ? { strategies: 'all' } : {}),
        },
      },
    };
  },
  pool({ kind, settings, hasLevels, acceptedShare }) {
    if (!hasLevels) return undefined;
    const easier = kind !== 'plateau' || acceptedShare < HARD_POOL;
    const shift = settings.curriculum.shift + (easier ? -1 : 1);
    return { what: easier ? 'an easier pool' : 'a harder pool', overrides: { curriculum: { shift } } };
  },
  'reset-best': ({ betterCheckpoint }) =>
    betterCheckpoint
      ? { what: 'back to the checkpoint with the highest target score', overrides: {} }
      : undefined,
  'reset-base': ({ hasExamples, settings }) =>
    hasExamples && settings.training.from !== 'base'
      ? {
          what: 'the base is trained anew on all accepted examples',
          overrides: { training: { from: 'base' } },
        }
      : undefined,
  halt: () => ({ what: 'the run ends here', overrides: {} }),
};
