/**
 * Published recipes as configuration alone: each preset is part of an input, laid over the task's suggestions and under
 * the user's own fields. What our loop does not have is left out and said in `differs`: updates are supervised LoRA
 * fine-tuning, promotion and its guards stay on, a worse checkpoint is taken back, and a sample out of the task's form never
 * votes.
 */
import { gatesSchema } from '../gates/index.ts';
import type { ImproveInput } from './input.ts';
import { merge } from './merge.ts';

export const PRESET_NAMES = ['none', 'lmsi', 'ttrl', 'r-zero', 'rest-em'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

export type Preset = { source: string; differs: string; input: Omit<ImproveInput, 'preset' | 'task'> };

/** No gate beside the paper's own filter. */
const ALONE = Object.fromEntries(
  Object.keys(gatesSchema.shape.policy.unwrap().shape)
    .map((name) => [name, 'off'] as const)
    .filter(([name]) => name !== 'agreement'),
) as NonNullable<NonNullable<ImproveInput['gates']>['policy']>;

/** The papers trust agreement as it is. */
const UNCALIBRATED = {
  precision: 0,
  calibration: { share: 0 },
  sharedMistake: { across: 0 },
  noAnswer: 'abstains',
} as const;

/** K samples at the paper's temperature in every iteration, of the prompt and what exact rewrites the task has. */
const AS_IT_STANDS = { resamples: 0, paraphrases: 0, noise: false, temperatureSchedule: { add: 0 } } as const;

/** The majority's answer counts where the share that gave it lies between two shares, and nothing else does. */
const byVote = (min: number, max: number) =>
  ({
    agreement: { min, max, minMargin: 0, ...UNCALIBRATED },
    critique: { mode: 'off', votes: 'all' },
    policy: ALONE,
  }) satisfies ImproveInput['gates'];

/**
 * Nothing is trained beside the prompts, and no countermeasure changes how is sampled: only resets are left. The papers test no
 * gate: what is planted is measured and shown, and stops nothing.
 */
const THE_COURSE = {
  probes: { mode: 'advisory' },
  pool: { rehearsal: 0 },
  drift: { steps: ['reset'] },
  stagnation: { steps: ['reset-best', 'reset-base', 'halt'] },
} satisfies ImproveInput;

export const PRESETS: Record<Exclude<PresetName, 'none'>, Preset> = {
  lmsi: {
    source: 'Huang et al. 2022, Large Language Models Can Self-Improve, arXiv 2210.11610',
    differs:
      'one round; its learning rate and batch size, but LoRA in epochs instead of 10,000 steps of the whole model',
    // 32 paths per question at T = 0.7; every path that gives the majority's answer is kept, in mixed formats.
    input: {
      ...THE_COURSE,
      iterations: 1,
      sampling: { samples: 32, temperature: 0.7, ...AS_IT_STANDS, strategies: 'all' },
      gates: byVote(0, 1),
      select: { perPrompt: 32, hardPerRewrite: 0 },
      training: { from: 'base', batchSize: 32, learningRate: 5e-5 },
    },
  },
  ttrl: {
    source: 'Zuo et al. 2025, TTRL: Test-Time Reinforcement Learning, arXiv 2504.16084',
    differs: 'samples with reward 1 are trained on, instead of GRPO on samples with reward 1 and 0',
    // 64 votes at T = 0.6, of which 32 are kept for training; the reward is agreement with the majority.
    input: {
      ...THE_COURSE,
      sampling: { samples: 64, temperature: 0.6, ...AS_IT_STANDS },
      gates: byVote(0, 1),
      select: { perPrompt: 32, hardPerRewrite: 0 },
      training: { from: 'best', replay: 0 },
    },
  },
  'r-zero': {
    source: 'Huang et al. 2025, R-Zero: Self-Evolving Reasoning LLM from Zero Data, arXiv 2508.05004',
    differs: "the solver's half: prompts come from the task, not from a challenger, and no GRPO",
    // 10 answers per question; kept where 3 to 7 of them agree (|p − 1/2| ≤ 0.25).
    input: {
      ...THE_COURSE,
      sampling: { samples: 10, temperature: 1, topP: 0.99, ...AS_IT_STANDS },
      gates: byVote(0.3, 0.7),
      select: { hardPerRewrite: 0 },
      training: { from: 'best', replay: 0 },
    },
  },
  'rest-em': {
    source: 'Singh et al. 2023, Beyond Human Data: Scaling Self-Training (ReST-EM), arXiv 2312.06585',
    differs: "the verifier is the task's own (without one the run is refused); top-K sampling is left out",
    // 32 solutions per problem at T = 0.7, a binary reward, at most 10 kept; each iteration trains the base anew.
    input: {
      ...THE_COURSE,
      sampling: { samples: 32, temperature: 0.7, ...AS_IT_STANDS },
      gates: { ...byVote(0, 1), policy: { ...ALONE, agreement: 'advisory', verification: 'required' } },
      select: { perPrompt: 10, hardPerRewrite: 0 },
      training: { from: 'base' },
    },
  },
};

/**
 * With a teacher: what it can do is no frontier that the student moves, so every level is drawn from all along; how the student writes
 * is meant to change; and what it is held against is the teacher, not its own majority.
 */
const TAUGHT = {
  curriculum: { start: 'all', width: 100, leave: 1 },
  drift: { steps: [] },
  benchmark: { majority: false },
} satisfies ImproveInput;

/** The task's suggestions, over them the preset that the input names or what a teacher asks for, over that the input itself. */
export function layered(suggested: ImproveInput | undefined, input: ImproveInput | undefined): ImproveInput {
  const name = input?.preset ?? 'none';
  const recipe = merge<ImproveInput>(
    name === 'none' ? {} : PRESETS[name].input,
    input?.models?.teacher ? TAUGHT : {},
  );
  return merge(merge<ImproveInput>(suggested ?? {}, recipe), input ?? {});
}
