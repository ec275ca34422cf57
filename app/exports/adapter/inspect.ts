/** What must hold of an adapter before it is given away: it loads, it holds numbers, and it is the one that was measured. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { readAdapter, type AdapterWeights } from '../../../models/adapter-file.ts';
import { digestWeights } from './source.ts';

const configSchema = z.looseObject({
  peft_type: z.string(),
  r: z.int().positive(),
  lora_alpha: z.number(),
  target_modules: z.union([z.string(), z.array(z.string()), z.null()]).optional(),
  rank_pattern: z.record(z.string(), z.number()).nullish(),
  use_dora: z.boolean().nullish(),
  use_rslora: z.boolean().nullish(),
  modules_to_save: z.array(z.string()).nullish(),
  base_model_name_or_path: z.string().nullish(),
});
export type AdapterConfig = z.infer<typeof configSchema>;

/** @throws Error when it is no LoRA adapter's configuration */
export function readConfig(text: string, from: string): AdapterConfig {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new Error(`adapter_config.json of ${from} is no JSON: ${(error as Error).message}.`, {
      cause: error,
    });
  }
  const config = configSchema.safeParse(parsed);
  if (!config.success || config.data.peft_type !== 'LORA')
    throw new Error(
      `adapter_config.json of ${from} is none of a LoRA adapter: ${config.success ? `peft_type is ${config.data.peft_type}` : z.prettifyError(config.error).replaceAll('\n', ' ')}.`,
    );
  return config.data;
}

/** @throws Error naming the tensor whose shape does not go with the configuration, or that holds no numbers */
export async function inspectWeights(folder: string, config: AdapterConfig): Promise<AdapterWeights> {
  const weights = await readAdapter(folder);
  if (!weights) throw new Error(`${folder} holds no adapter_model.safetensors.`);
  const { nonFinite, shapes, addsNothing } = weights;
  if (nonFinite)
    throw new Error(
      `The adapter holds values that are no finite numbers: ${nonFinite.values} of ${nonFinite.of} in ${nonFinite.tensor}. It is not exported.`,
    );
  if (addsNothing)
    throw new Error('The adapter adds nothing to its base: every lora_B is zero. It is not exported.');
  for (const [name, shape] of shapes) {
    if (!name.endsWith('.lora_A.weight')) continue;
    const other = shapes.get(name.replace(/\.lora_A\.weight$/, '.lora_B.weight'));
    if (!other) throw new Error(`The adapter has ${name} without its lora_B. It is not exported.`);
    // With a pattern of ranks each layer may have its own.
    const ranked = Object.keys(config.rank_pattern ?? {}).length > 0;
    if (shape[0] !== other[1] || (!ranked && shape[0] !== config.r))
      throw new Error(
        `${name} has the shape ${shape.join('×')} and its lora_B ${other.join('×')}, but adapter_config.json says r = ${config.r}. It is not exported.`,
      );
  }
  return weights;
}

export type Measured =
  /** The weights are those whose answers were measured. */
  | { same: true }
  /** It could not be said, and why. */
  | { same: null; why: string };

/** Fingerprints as our model server makes them; others say nothing about a file. */
const OURS = /^fp_[0-9a-f]{16}$/;

/** @throws Error when these are other weights than those that were measured */
export async function sameAsMeasured(
  folder: string,
  fingerprint: string | null,
  baseDigest: string | undefined,
): Promise<Measured> {
  if (fingerprint === null) return { same: null, why: 'the endpoint told no fingerprint of its weights' };
  if (!OURS.test(fingerprint))
    return { same: null, why: `the endpoint's fingerprint ${fingerprint} is not one of its weights` };
  if (baseDigest === undefined)
    return { same: null, why: 'the base is not on this machine, and the fingerprint is of both together' };
  const digest = createHash('sha256').update(`${baseDigest}+${await digestWeights(folder)}`);
  const found = `fp_${digest.digest('hex').slice(0, 16)}`;
  if (found === fingerprint) return { same: true };
  throw new Error(
    `These are not the weights that were measured: base and adapter have the fingerprint ${found}, and the benchmarks were answered by ` +
      `${fingerprint}. The adapter or its base was written anew since. It is not exported.`,
  );
}
