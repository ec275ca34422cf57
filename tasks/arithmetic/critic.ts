/**
 * The built-in critic: a model that gives a verdict on every line of a worked sum (process supervision, Lightman
 * et al. 2023, arXiv 2305.20050). It is shown the problem and the work with a verdict slot at the end of each line:
 *
 *     0000345000+0000678000
 *     00,0+0+0=0,0#1              the digits of the problem at this place, the line, the slot
 *     …
 *
 * All slots hold "holds" beforehand. P(a line holds) is the probability of that one token given the text before it, so
 * one forward pass without generation (vLLM's `prompt_logprobs`) judges all lines. The work holds as far as its
 * least certain line does. The last line, the sum, is left out: that it repeats the digits is checked exactly elsewhere.
 *
 * Covers work written by a model: only lines of the right shape are put to the critic, so there is no room for anything
 * addressed to it. Other work is not shown to it and comes back unscored.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Critic, CriticReply, Critique, Pointed } from '../task.ts';
import { STEP, WIDTH } from './addition.ts';

const HOLDS = '1';

const SCORES = new URL('../../modelserver/builtin/arithmetic-critic/scores.json', import.meta.url);

const counts = z.object({ wrong: z.int(), caught: z.int(), right: z.int(), passed: z.int() });
const scoresSchema = z.object({
  /** Least P(the work holds) at which the critic was measured, chosen on the levels that it was trained on. */
  threshold: z.number().min(0).max(1),
  /** Per level, on the base's own samples and on corrupted work. */
  levels: z.record(
    z.string(),
    z.object({
      betterThanChance: z.boolean(),
      own: counts,
      synthetic: counts,
    }),
  ),
});
export type CriticScores = z.infer<typeof scoresSchema>;

/** How well the critic was measured to judge, as committed with its weights; undefined when it is not there. */
export function readScores(file: URL = SCORES): CriticScores | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  return scoresSchema.parse(JSON.parse(text));
}

export function arithmeticCritic(scores: CriticScores | undefined): Critic {
  const threshold = scores?.threshold ?? 0.5;
  const request: Critic['request'] = (promptText, work) => ({
    messages: [{ role: 'user', content: question(promptText, work) }],
    // Nothing is generated: all that is wanted is the probability of what is there.
    maxTokens: 0,
    temperature: 0,
    extra: { prompt_logprobs: 0 },
  });
  const pointed = (reply: CriticReply) => read(reply, threshold);
  return {
    name: 'arithmetic',
    cheap: true,
    request,
    read(reply) {
      const { line: _, ...critique } = pointed(reply);
      return critique;
    },
    pointing: () => ({ request, read: pointed }),
    betterThanChance: (level) => evidence(scores, level),
  };
}

/**
 * The problem, then each step between the digits that it should add and its slot. Of work with a line out of shape
 * the problem alone, which has no slots.
 */
function question(promptText: string, work: string): string {
  const [a = [], b = []] = promptText.split('+').map((digits) => digits.split('').toReversed());
  const steps = work.split('\n').slice(0, -1);
  if (steps.length !== WIDTH || !steps.every((line) => STEP.test(line))) return promptText;
  return [promptText, ...steps.map((line, place) => `${a[place]}${b[place]},${line}#${HOLDS}`)].join('\n');
}

const entrySchema = z.object({ logprob: z.number().max(1e-6), decoded_token: z.string() });
const rawSchema = z.object({
  prompt_logprobs: z.array(z.nullable(z.record(z.string(), entrySchema))).max(4096),
});

function read({ raw }: CriticReply, threshold: number): Pointed {
  const parsed = rawSchema.safeParse(raw);
  if (!parsed.success) return unscored('the reply has no log-probabilities of the prompt (prompt_logprobs)');
  // Asked for no alternatives, each entry is the prompt's own token; the first token has none.
  const tokens = parsed.data.prompt_logprobs.map((entry) => Object.values(entry ?? {})[0]);
  const slots = tokens.filter((token, i) => {
    const next = tokens[i + 1]?.decoded_token;
    return (
      token?.decoded_token === HOLDS &&
      tokens[i - 1]?.decoded_token === '#' &&
      (next === undefined || next === '\n')
    );
  });
  if (slots.length !== WIDTH) return unscored(`${slots.length} verdicts for ${WIDTH} lines`);
  const perLine = slots.map((slot) => Math.min(1, Math.exp(slot!.logprob)));
  const score = Math.min(...perLine);
  const line = perLine.indexOf(score) + 1;
  const reason = `least certain of line ${line}: P(holds) ${score.toFixed(3)}`;
  return score >= threshold
    ? { outcome: 'holds', score, reason: `${reason} ≥ ${threshold}` }
    : {
        outcome: 'fails',
        score,
        reason: `${reason} < ${threshold}`,
        line: perLine.findIndex((held) => held < threshold) + 1,
      };
}

const unscored = (reason: string): Critique => ({ outcome: 'unscored', reason });

function evidence(
  scores: CriticScores | undefined,
  level: number | undefined,
): { ok: boolean; reason: string } {
  if (!scores) return { ok: false, reason: 'the critic was never measured' };
  if (level === undefined) {
    const chance = Object.entries(scores.levels).filter(([, { betterThanChance }]) => !betterThanChance);
    return chance.length === 0
      ? { ok: true, reason: 'better than chance at every level measured' }
      : { ok: false, reason: `no better than chance at level ${chance.map(([name]) => name).join(', ')}` };
  }
  const measured = scores.levels[level];
  if (!measured) return { ok: false, reason: `the critic was never measured at level ${level}` };
  const { own, synthetic } = measured;
  const caught = share(own.caught + synthetic.caught, own.wrong + synthetic.wrong);
  const passed = share(own.passed + synthetic.passed, own.right + synthetic.right);
  const numbers = `at level ${level} it catches ${caught} of wrong and passes ${passed} of right work`;
  return measured.betterThanChance
    ? { ok: true, reason: `better than chance: ${numbers}` }
    : { ok: false, reason: `no better than chance: ${numbers}` };
}

const share = (part: number, whole: number): string =>
  whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} %`;
