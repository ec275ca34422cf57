/** What a run spends, what it will spend, and whether that is allowed. */
import type { ImproveSettings } from './input.ts';

/** `cost` in the currency of the prices, 0 without prices. */
export type Spend = { tokens: number; cost: number; minutes: number; trainingSeconds: number };

export type Usage = { model: string; promptTokens: number; completionTokens: number };
export type Training = { model: string; tokens: number; seconds: number };

export const NOTHING: Spend = { tokens: 0, cost: 0, minutes: 0, trainingSeconds: 0 };

export function addSpend(a: Spend, b: Spend): Spend {
  return {
    tokens: a.tokens + b.tokens,
    cost: a.cost + b.cost,
    minutes: a.minutes + b.minutes,
    trainingSeconds: a.trainingSeconds + b.trainingSeconds,
  };
}

type Prices = ImproveSettings['prices'];

/** A model's own price, else that of the model it was fine-tuned from (`ft:NAME:…`), else `*`. */
export function priceOf(prices: Prices, model: string): Prices[string] | undefined {
  const base = Object.keys(prices).find((name) => model.startsWith(`ft:${name}:`));
  return prices[model] ?? (base === undefined ? undefined : prices[base]) ?? prices['*'];
}

/** Tokens and money of model calls and fine-tuning jobs. */
export function spendOf(prices: Prices, usage: readonly Usage[], training: readonly Training[] = []): Spend {
  const spend = { ...NOTHING };
  for (const { model, promptTokens, completionTokens } of usage) {
    const price = priceOf(prices, model);
    spend.tokens += promptTokens + completionTokens;
    spend.cost +=
      (promptTokens * (price?.promptPerMillion ?? 0) +
        completionTokens * (price?.completionPerMillion ?? 0)) /
      1e6;
  }
  for (const { model, tokens, seconds } of training) {
    const price = priceOf(prices, model);
    spend.trainingSeconds += seconds;
    spend.cost +=
      (tokens * (price?.trainingPerMillion ?? 0)) / 1e6 + (seconds * (price?.trainingPerHour ?? 0)) / 3600;
  }
  return spend;
}

const UNITS: Record<keyof Spend, string> = {
  tokens: 'tokens',
  cost: 'in money',
  minutes: 'minutes',
  trainingSeconds: 'seconds of training',
};

const amount = (n: number) => (Number.isInteger(n) ? String(n) : n.toFixed(n < 10 ? 4 : 1));

/** In the order in which limits are looked at: what ends a run comes before what ends a stage of its curriculum. */
export const SCOPES = ['run', 'iteration', 'stage'] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * The first limit that would be passed, in a sentence, and whose it is; undefined when all hold.
 *
 * @param spent what is spent or held by pages under way
 * @param ahead what is about to be spent
 * @param trains is there training ahead? Where not, seconds of training that are spent stand in the way of nothing
 */
export function overBudget(
  limits: ImproveSettings['budget'],
  spent: Record<Scope, Spend>,
  ahead: Record<Scope, Spend>,
  trains: boolean,
): { scope: Scope; problem: string } | undefined {
  for (const scope of SCOPES) {
    for (const field of Object.keys(UNITS) as (keyof Spend)[]) {
      const limit = limits[scope][field];
      if (limit === undefined || (field === 'trainingSeconds' && !trains)) continue;
      const total = spent[scope][field] + ahead[scope][field];
      if (total <= limit) continue;
      const problem =
        `the ${scope} would reach ${amount(total)} of ${amount(limit)} ${UNITS[field]} ` +
        `(${amount(spent[scope][field])} spent, ${amount(ahead[scope][field])} ahead)`;
      return { scope, problem };
    }
  }
  return undefined;
}

export function isLimited(budget: Partial<ImproveSettings['budget']>): boolean {
  return SCOPES.some((scope) => Object.values(budget[scope] ?? {}).some((limit) => limit !== undefined));
}

/** What one iteration brought for what it cost. */
export type Roi = {
  /** Points of target accuracy per unit of cost; undefined where nothing was spent. */
  roi?: number;
  cost: number;
  unit: 'money' | 'million tokens';
  hours: number;
};

/**
 * Return on investment of an iteration: quality gain in points of target accuracy over the sum of compute cost and a
 * penalty for the time it took. A candidate that was not promoted brought nothing.
 *
 * @param gain as a share of target
 */
export function roiOf(options: {
  gain: number;
  spend: Spend;
  hours: number;
  settings: ImproveSettings;
}): Roi {
  const { gain, spend, hours, settings } = options;
  const priced = Object.keys(settings.prices).length > 0;
  const cost = priced ? spend.cost : spend.tokens / 1e6;
  const total = cost + settings.roi.latencyPerHour * hours;
  return {
    roi: total > 0 ? (100 * gain) / total : undefined,
    cost,
    unit: priced ? 'money' : 'million tokens',
    hours,
  };
}
