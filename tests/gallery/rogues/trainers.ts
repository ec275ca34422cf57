/** Trainers that say "succeeded" and did something else. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeAdapter } from '../../support/adapter-folder.ts';
import { MODEL, pupil, tryHonestly } from '../harness/pupil.ts';
import type { Rogue } from '../harness/rogue.ts';

const LAYER = 'base_model.model.model.layers.0.self_attn.q_proj';

/** A folder that goes with the process. */
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ratchet-gallery-adapter-'));
  process.once('exit', () => rmSync(path, { recursive: true, force: true }));
  return path;
}

const answersSpent: Rogue['reaches'] = {
  what: 'benchmark answers spent on it',
  count: ({ measured }) => measured,
};

const baseFingerprint = `fp_${createHash('sha256').update(MODEL).digest('hex').slice(0, 16)}`;

export const changesNothing: Rogue = {
  name: 'a trainer that returns the old weights',
  does: 'Fine-tuning succeeds at once; what is served under the new name is the base.',
  stoppedBy: 'adapt stage: the fingerprint that answers is the parent’s',
  reaches: answersSpent,
  tells: [{ where: 'report', what: /has the weights of its parent \(fp_\w+\): training changed nothing/ }],
  arm: () =>
    pupil({
      learn: (before) => before,
      outcome: () => ({ status: 'succeeded', fingerprint: baseFingerprint }),
    }),
  without: {
    what: 'a new fingerprint for the old weights; the promotion rule discards it then',
    arm: () => pupil({ learn: (before) => before }),
  },
};

export const addsNothing: Rogue = {
  name: 'a trainer that returns an untrained adapter',
  does: 'The adapter is the initial one (every `lora_B` is zero) under a new name and fingerprint.',
  stoppedBy: 'adapt stage: a look into the adapter’s file',
  reaches: answersSpent,
  tells: [
    { where: 'report', what: /adds nothing to its base, every lora_B is zero: training changed nothing/ },
  ],
  arm: () => {
    const path = writeAdapter(folder(), {
      [`${LAYER}.lora_A.weight`]: [0.1, -0.2, 0.3],
      [`${LAYER}.lora_B.weight`]: [0, 0, 0],
    });
    return pupil({ learn: (before) => before, outcome: () => ({ status: 'succeeded', path }) });
  },
  without: {
    what: 'a trainer that does not say where the adapter lies; the promotion rule discards it then',
    arm: () => pupil({ learn: (before) => before }),
  },
};

/** What a model without numbers says: the first token, again and again. */
const noNumbers = () =>
  ({
    say: (request, question, self) =>
      self.generation > 0 ? '!'.repeat(200) : tryHonestly(request, question, self),
  }) satisfies Parameters<typeof pupil>[0];

export const notANumber: Rogue = {
  name: 'a trainer that returns NaN weights',
  does: 'Fine-tuning diverges and succeeds all the same; the adapter holds NaN and answers `!!!!!!`.',
  stoppedBy: 'adapt stage: a look into the adapter’s file',
  reaches: answersSpent,
  tells: [
    {
      where: 'report',
      what: /holds values that are no finite numbers \(NaN or infinite\): \d+ of \d+ in \S+/,
    },
  ],
  arm: () => {
    const path = writeAdapter(folder(), {
      [`${LAYER}.lora_A.weight`]: [0.1, -0.2, 0.3],
      [`${LAYER}.lora_B.weight`]: [NaN, 0.1, NaN],
    });
    return pupil({ ...noNumbers(), outcome: () => ({ status: 'succeeded', path }) });
  },
  without: {
    what: 'a trainer that does not say where the adapter lies; the promotion rule discards it then',
    arm: () => pupil(noNumbers()),
  },
};

export const forgets: Rogue = {
  name: 'an adapter that gains on target and falls on a guard',
  does: 'Each fine-tuning makes the model better at boxes and makes it forget halls.',
  stoppedBy: 'promotion rule: guard margin',
  reaches: { what: 'promotions', count: ({ promotions }) => promotions },
  tells: [
    {
      where: 'report',
      what: /guard guard fell [\d.]+ % → [\d.]+ % \([\d.]+ points > 3\.0 points\), although target/,
    },
  ],
  arm: () =>
    pupil({
      learn: ({ target, guard }) => ({ target: Math.min(0.97, target + 0.3), guard: guard - 0.4 }),
    }),
  without: { what: '`promotion.guardMargin=1`', input: { promotion: { guardMargin: 1 } } },
};
