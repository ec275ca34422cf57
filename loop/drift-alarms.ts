/** When drift is alarming, and what is done about it. */
import type { DriftMeasures } from './drift.ts';
import type { ImproveSettings } from './input.ts';
import type { DRIFT_STEPS } from './policy-input.ts';

/** `accepted`: the rationales that the gates let through. `fixed`: answers to the run's fixed sample of prompts. */
export type DriftSource = 'accepted' | 'fixed';

export type DriftAlarm = {
  measure: keyof DriftMeasures;
  value: number;
  reference: number;
  /** How far it moved, in the unit of the threshold. */
  change: number;
  threshold: number;
  reason: string;
};

type DriftSettings = ImproveSettings['drift'];

/** With fewer readable rationales than this, here or in the reference, chance moves the measures as far as drift does. */
export const ENOUGH_TEXTS = 8;

const percent = (share: number) => `${(100 * share).toFixed(0)} %`;

/**
 * What has moved too far from the reference. Everything is relative to it: a task whose answers have one fixed form has
 * a low entropy from the start.
 *
 * @param options.sameLevels false where the pool has other levels of difficulty than the reference's: harder problems take
 *   longer rationales, so length is not compared
 */
export function findDrift(
  source: DriftSource,
  now: DriftMeasures,
  reference: DriftMeasures,
  settings: DriftSettings,
  options: { sameLevels: boolean } = { sameLevels: true },
): DriftAlarm[] {
  const readable = (measures: DriftMeasures) => measures.texts * (1 - measures.unreadable);
  const of = source === 'accepted' ? 'accepted rationales' : 'the fixed sample';
  const alarms: DriftAlarm[] = [];
  function check(measure: keyof DriftMeasures, change: number, threshold: number, what: string): void {
    if (!(change > threshold)) return;
    const [value, before] = [now[measure] ?? 0, reference[measure] ?? 0];
    const reason = `${what} of ${of}: ${shown(before)} → ${shown(value)}, ${percent(change)} > ${percent(threshold)}`;
    alarms.push({ measure, value, reference: before, change, threshold, reason });
  }

  if (now.texts < ENOUGH_TEXTS || reference.texts < ENOUGH_TEXTS) return [];
  check(
    'unreadable',
    now.unreadable - reference.unreadable,
    settings.maxUnreadableRise,
    'share without an answer',
  );
  if (options.sameLevels && now.tokens > 0 && reference.tokens > 0) {
    const longer = Math.max(now.tokens / reference.tokens, reference.tokens / now.tokens) - 1;
    check('tokens', longer, settings.maxLengthChange, 'tokens per rationale');
  }
  if (readable(now) < ENOUGH_TEXTS || readable(reference) < ENOUGH_TEXTS) return alarms;
  const fall = (measure: 'templateEntropy' | 'distinct2') =>
    reference[measure] > 0 ? 1 - now[measure] / reference[measure] : 0;
  check('templateEntropy', fall('templateEntropy'), settings.maxEntropyFall, 'bits of step templates');
  check('distinct2', fall('distinct2'), settings.maxDistinctFall, 'distinct pairs of words');
  if (reference.compression > 0) {
    const denser = now.compression / reference.compression - 1;
    check('compression', denser, settings.maxCompressionRise, 'compression');
  }
  check('distance', now.distance ?? 0, settings.maxDistance, 'distance from the reference');
  check('topAnswer', now.topAnswer - reference.topAnswer, settings.maxAnswerRise, 'share of one answer');
  return alarms;
}

const shown = (value: number) => (value >= 10 ? value.toFixed(0) : value.toFixed(2));

type DriftStep = (typeof DRIFT_STEPS)[number];

export type DriftSituation = {
  /** As they stand without a temperature schedule on top. */
  settings: ImproveSettings;
  /** First iteration that a step would concern. */
  from: number;
  /** Steps taken since the last iteration without an alarm. */
  taken: readonly string[];
  /** The task knows further ways of asking, or harmless changes of a prompt. */
  hasAlternatives: boolean;
  hasNoise: boolean;
  /** An earlier checkpoint, other than the present one, wrote an iteration without an alarm. */
  calmCheckpoint: boolean;
};

export type DriftMeasure = { step: DriftStep; what: string; overrides: Record<string, unknown> };

/** The next countermeasure, each once while the alarm lasts; those that would change nothing are passed over. */
export function nextDriftStep(situation: DriftSituation): DriftMeasure | undefined {
  for (const step of situation.settings.drift.steps) {
    if (situation.taken.includes(step)) continue;
    const measure = COUNTERMEASURES[step](situation);
    if (measure) return { step, ...measure };
  }
  return undefined;
}

const COUNTERMEASURES: Record<
  DriftStep,
  (situation: DriftSituation) => Omit<DriftMeasure, 'step'> | undefined
> = {
  temperature({ settings, from }) {
    const { temperatureRise, temperatureOver } = settings.drift;
    const room = settings.stagnation.maxTemperature - settings.sampling.temperature;
    const add = Number(Math.min(temperatureRise, room).toFixed(3));
    if (add <= 0) return undefined;
    return {
      what: `temperature ${add} higher, falling back over ${temperatureOver} iterations`,
      overrides: { sampling: { temperatureSchedule: { add, from, over: temperatureOver } } },
    };
  },
  diversity({ settings }) {
    const { diversity } = settings.drift;
    if (settings.select.diversity >= diversity) return undefined;
    return {
      what: 'examples of rare templates and unlike each other are preferred',
      overrides: { select: { diversity } },
    };
  },
  noise({ settings, hasAlternatives, hasNoise }) {
    const { noise, strategies } = settings.sampling;
    const more = hasAlternatives && strategies === 'task';
    const noisier = hasNoise && !noise;
    if (!more && !noisier) return undefined;
    const what = [more ? 'further ways of asking' : '', noisier ? 'prompts with harmless noise' : ''];
    return {
      what: what.filter(Boolean).join(' and '),
      overrides: {
        sampling: { ...(more ? { strategies: 'all' } : {}), ...(noisier ? { noise: true } : {}) },
      },
    };
  },
  reset: ({ calmCheckpoint }) =>
    calmCheckpoint ? { what: 'back to the last checkpoint without an alarm', overrides: {} } : undefined,
};
