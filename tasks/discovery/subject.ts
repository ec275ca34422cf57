/** What a study is about, as it is stored, and what follows from it: quantities, experiments that can be made, hypotheses. */
import { z } from 'zod';
import { POLICIES, type Noise } from './choose.ts';
import type { Quantity } from './forms.ts';
import { hypothesesOf, type Hypothesis } from './grammar.ts';
import { lawOf, type Law } from './laws.ts';
import { allowedForms, readSimulator, type Simulator } from './schema.ts';
import { gridOf, sigmaOf, type Settings } from './simulator.ts';

export const discoverInputSchema = z.strictObject({
  of: z.string().min(1).max(1000).describe('a built-in law, or the path of a simulator file (.yaml)'),
  budget: z.int().min(3).max(200).default(20).describe('experiments'),
  policy: z.enum(POLICIES).default('informative').describe('how the next experiment is chosen'),
  seed: z
    .int()
    .min(0)
    .max(999_999_999)
    .default(1)
    .describe('of a law’s parameters, of noise and of what is drawn'),
  noise: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe(
      'standard deviation of a built-in law’s measurements, as a share of its typical value; default 0.01',
    ),
  enough: z
    .number()
    .min(0)
    .max(10)
    .default(0.05)
    .describe('the study ends when no experiment is expected to tell more than so many nats'),
  hypotheses: z
    .array(z.string().min(1).max(300))
    .max(200)
    .default([])
    .describe('expressions beside the grammar’s'),
});
export type DiscoverInput = z.input<typeof discoverInputSchema>;
export type DiscoverSettings = z.output<typeof discoverInputSchema>;

export type SubjectSpec =
  | { kind: 'law'; name: string; noise: number }
  | { kind: 'simulator'; simulator: Simulator };

const DEFAULT_NOISE = 0.01;

export type Subject = {
  name: string;
  quantities: (Quantity & { unit?: string })[];
  measures: { name: string; unit?: string };
  options: readonly Settings[];
  /** May the same settings be measured again? */
  repeats: boolean;
  noise: Noise;
  hypotheses: readonly Hypothesis[];
  /** Of a built-in law: what is true. Read by reports; what chooses and concludes never sees it. */
  law?: Law;
};

/** Is it a file? */
export const isFile = (of: string): boolean => /\.ya?ml$/i.test(of);

/** @throws InvalidInputError naming everything that is wrong */
export async function resolveSubject({ of, noise, seed }: DiscoverSettings): Promise<SubjectSpec> {
  if (isFile(of)) return { kind: 'simulator', simulator: await readSimulator(of) };
  return { kind: 'law', name: lawOf(of, seed).name, noise: noise ?? DEFAULT_NOISE };
}

/** @throws InvalidInputError for a hypothesis that can't be read */
export function subjectOf(
  spec: SubjectSpec,
  { seed, hypotheses: more }: Pick<DiscoverSettings, 'seed' | 'hypotheses'>,
): Subject {
  if (spec.kind === 'law') {
    const law = lawOf(spec.name, seed);
    return {
      name: law.name,
      quantities: law.quantities,
      measures: { name: 'result' },
      options: gridOf(law.quantities),
      repeats: true,
      noise: { relative: 0, absolute: sigmaOf(law, spec.noise) },
      hypotheses: hypothesesOf(law.quantities, { more }),
      law,
    };
  }
  const { name, quantities, measures, options, levels, repeats, noise, hypotheses } = spec.simulator;
  return {
    name,
    quantities,
    measures,
    options: options ?? gridOf(quantities, levels),
    repeats,
    noise,
    hypotheses: hypothesesOf(quantities, {
      allowed: allowedForms(spec.simulator),
      more: [...hypotheses, ...more],
    }),
  };
}
