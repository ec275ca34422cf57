import { describe, expect, it } from 'vitest';
import { agreement } from '../../gates/agreement.ts';
import type { GateContext, JudgedSample } from '../../gates/gate.ts';
import { policyOf } from '../../gates/index.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { layered, PRESET_NAMES, PRESETS, type PresetName } from '../../loop/presets.ts';

const resolve = (input: ImproveInput, suggested?: ImproveInput) =>
  improveInputSchema.parse(layered(suggested, input));

describe('presets', () => {
  it('cite their source, and say where our loop differs', () => {
    for (const name of PRESET_NAMES) {
      if (name === 'none') continue;
      expect(PRESETS[name].source).toMatch(/ et al\. 20\d\d, .+, arXiv \d{4}\.\d{5}$/);
      expect(PRESETS[name].differs.length).toBeGreaterThan(10);
    }
  });

  it('reproduce LMSI: 32 paths at T = 0.7, every path of the majority, one round from the base', () => {
    const settings = resolve({ preset: 'lmsi' });
    expect(settings).toMatchObject({
      iterations: 1,
      sampling: { samples: 32, temperature: 0.7, strategies: 'all', resamples: 0 },
      select: { perPrompt: 32 },
      training: { from: 'base', batchSize: 32, learningRate: 5e-5 },
    });
    expect(settings.gates).toMatchObject({
      agreement: { min: 0, max: 1, minMargin: 0 },
      critique: { mode: 'off' },
      policy: { agreement: 'required', length: 'off', novelty: 'off', verification: 'off' },
    });
  });

  it('reproduce TTRL: 64 votes, 32 kept', () => {
    expect(resolve({ preset: 'ttrl' })).toMatchObject({
      sampling: { samples: 64, temperature: 0.6 },
      select: { perPrompt: 32, hardPerRewrite: 0 },
      gates: { agreement: { min: 0, minMargin: 0 }, critique: { mode: 'off' } },
      training: { from: 'best' },
    });
  });

  it('reproduce R-Zero: ten answers, kept where three to seven of them agree', () => {
    expect(resolve({ preset: 'r-zero' })).toMatchObject({
      sampling: { samples: 10, temperature: 1, topP: 0.99 },
      gates: { agreement: { min: 0.3, max: 0.7, minMargin: 0 } },
    });
  });

  it('reproduce ReST-EM: the base anew each time, at most ten per prompt, the verifier alone', () => {
    expect(resolve({ preset: 'rest-em' })).toMatchObject({
      sampling: { samples: 32, temperature: 0.7 },
      select: { perPrompt: 10 },
      training: { from: 'base' },
      gates: { policy: { verification: 'required', agreement: 'advisory' }, critique: { mode: 'off' } },
    });
  });

  const others = [
    'format',
    'coherence',
    'length',
    'critique',
    'novelty',
    'distribution',
    'repetition',
    'reward',
    'human',
  ];
  it.each([
    ['lmsi', { agreement: 'required', verification: 'off' }],
    ['ttrl', { agreement: 'required', verification: 'off' }],
    ['r-zero', { agreement: 'required', verification: 'off' }],
    ['rest-em', { agreement: 'advisory', verification: 'required' }],
  ] as const)('of %s only the published filter decides', (preset, filter) => {
    const { gates } = resolve({ preset });
    const weights = policyOf(gates, true);
    expect(weights).toEqual({ ...Object.fromEntries(others.map((gate) => [gate, 'off'])), ...filter });
    expect(gates.agreement).toMatchObject({
      precision: 0,
      calibration: { share: 0 },
      sharedMistake: { across: 0 },
      noAnswer: 'abstains',
    });
  });

  /** Numbers of agreeing samples, of all K, that the agreement gate lets pass. */
  const passing = (preset: PresetName) => {
    const { gates, sampling } = resolve({ preset });
    const sample = { answer: '1', agrees: true } as JudgedSample;
    return Array.from({ length: sampling.samples }, (_, i) => i + 1).filter((votes) => {
      const vote = { answer: '1', votes, runnerUpVotes: 0, samples: sampling.samples };
      return agreement.judge(sample, { vote } as GateContext, gates.agreement).outcome === 'pass';
    });
  };
  it('let pass as many votes as the papers do: any majority, or three to seven of ten', () => {
    expect(passing('lmsi')).toHaveLength(32);
    expect(passing('ttrl')).toHaveLength(64);
    expect(passing('r-zero')).toEqual([3, 4, 5, 6, 7]);
  });

  it.each(PRESET_NAMES.filter((name) => name !== 'none'))(
    '%s samples without paraphrases at one temperature and trains on nothing beside, whatever the task suggests',
    (preset) => {
      const { sampling, pool, drift, stagnation } = resolve(
        { preset },
        { sampling: { paraphrases: 3, resamples: 2, noise: true, temperatureSchedule: { add: 0.3 } } },
      );
      expect(sampling).toMatchObject({
        paraphrases: 0,
        resamples: 0,
        noise: false,
        temperatureSchedule: { add: 0 },
      });
      expect(pool.rehearsal).toBe(0);
      // What is left takes a worse checkpoint back; nothing changes how is sampled or chosen.
      expect([...drift.steps, ...stagnation.steps]).toEqual(['reset', 'reset-best', 'reset-base', 'halt']);
    },
  );

  it("lie over the task's suggestions and under the user's own fields", () => {
    const suggested: ImproveInput = {
      sampling: { samples: 5, temperature: 0.1 },
      training: { epochs: 3 },
      gates: { agreement: { min: 0.375 }, critique: { votes: 'approved' } },
    };
    const settings = resolve(
      { preset: 'r-zero', sampling: { samples: 20 }, gates: { agreement: { max: 0.5 } } },
      suggested,
    );
    expect(settings.sampling).toMatchObject({ samples: 20, temperature: 1 });
    expect(settings.training.epochs).toBe(3);
    expect(settings.gates.agreement).toMatchObject({ min: 0.3, max: 0.5, minMargin: 0 });
    expect(settings.gates.critique).toMatchObject({ mode: 'off', votes: 'all' });
  });

  it('change nothing where none is named, and are refused where there is none of that name', () => {
    expect(resolve({})).toEqual(improveInputSchema.parse({}));
    expect(resolve({ preset: 'none' })).toEqual(improveInputSchema.parse({}));
    expect(improveInputSchema.safeParse({ preset: 'star' }).success).toBe(false);
  });

  it.each(PRESET_NAMES)('%s resolves to settings that are valid on their own', (preset: PresetName) => {
    const settings = resolve({ preset });
    expect(improveInputSchema.parse(settings)).toEqual(settings);
  });
});

describe('the settings of the gates', () => {
  const problems = (critics: object[]) =>
    improveInputSchema
      .safeParse({ gates: { critique: { critics } } })
      .error?.issues.map(({ message }) => message)
      .join('\n') ?? '';
  it('name each critic once, and none like the reward model', () => {
    expect(problems([{ name: 'a' }, { name: 'b', speciality: 'logic' }])).toBe('');
    expect(problems([{ name: 'a' }, { name: 'a' }])).toContain('names must differ');
    expect(problems([{ name: 'a' }, { name: 'b' }])).toContain('are one critic');
    expect(problems([{ name: 'a' }, { name: 'b', endpoint: { model: 'other' } }])).toBe('');
    expect(problems([{ name: 'reward' }])).toContain('the name of the reward model');
    expect(problems([{ name: 'A critic' }])).toContain('must be lower-case');
  });
  it('keep the defaults that runs had before there was a policy', () => {
    const { gates } = improveInputSchema.parse({});
    expect(gates.agreement).toMatchObject({ min: 0.6, max: 1, minMargin: 0.25, precision: 0 });
    expect(gates.length).toEqual({ maxDeviations: 8 });
    expect(gates.critique).toEqual({ mode: 'auto', votes: 'all', min: 0.5, critics: [], decide: 'all' });
    expect(gates.novelty.templateCap).toBe(1);
    expect(Object.values(gates.unscored).every((meaning) => meaning === 'fail')).toBe(true);
  });
});
