/** How the gates are tested in each iteration: the part `probes` of the input of `improve`. */
import { z } from 'zod';

export const probesSchema = z.strictObject({
  mode: z
    .enum(['auto', 'required', 'advisory', 'off'])
    .default('auto')
    .describe(
      'bad samples are planted among the real ones. `required`: gates that let too many pass stop the iteration; `auto`: only ' +
        'where they are of kinds that a gate which somebody asked for should have caught (a critic, a verification)',
    ),
  perKind: z.int().min(1).max(100).default(2).describe('planted samples of each kind'),
  minCatchRate: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe('least share of the planted samples that the gates must reject'),
  minPlanted: z.int().min(1).max(600).default(6).describe('with fewer planted the rate decides nothing'),
});
