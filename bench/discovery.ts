/**
 * How many laws are found exactly after so many experiments: those that are chosen for what they tell against those at random, with the
 * same fitter, the same laws and the same noise. Then the same without noise.
 *
 *   node bench/discovery.ts --seeds 101,102 [--budget 20] [--noise 0.01] [--laws gravity,coulomb] [--part 1/2] [--json]
 *
 * A seed draws the parameters of every law. Seeds below 100 were looked at while this was built; the figures of docs/discovery.md are of others.
 */
import { parseArgs } from 'node:util';
import { mcnemar } from '../loop/mcnemar.ts';
import type { Policy } from '../tasks/discovery/choose.ts';
import { hypothesesOf } from '../tasks/discovery/grammar.ts';
import { judge } from '../tasks/discovery/judge.ts';
import { LAWS, lawOf } from '../tasks/discovery/laws.ts';
import { gridOf, observeLaw, sigmaOf } from '../tasks/discovery/simulator.ts';
import { runStudy } from '../tasks/discovery/study.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1' },
    budget: { type: 'string', default: '20' },
    noise: { type: 'string', default: '0.01' },
    laws: { type: 'string' },
    part: { type: 'string', default: '1/1' },
    json: { type: 'boolean', default: false },
  },
});
const budget = Number(values.budget);
const noise = Number(values.noise);
const seeds = values.seeds.split(',').map(Number);
const names = values.laws?.split(',') ?? LAWS.map(({ name }) => name);
const [part, parts] = values.part.split('/').map(Number) as [number, number];

type Arm = { policy: Policy; noise: number };
const ARMS: Arm[] = [
  { policy: 'informative', noise },
  { policy: 'random', noise },
  { policy: 'informative', noise: 0 },
];

type Result = {
  law: string;
  seed: number;
  exact: boolean[];
  structure: boolean[];
  claims: (string | null)[];
};

async function resultOf(name: string, seed: number): Promise<Result> {
  const law = lawOf(name, seed);
  const hypotheses = hypothesesOf(law.quantities);
  const options = gridOf(law.quantities);
  const result: Result = { law: name, seed, exact: [], structure: [], claims: [] };
  for (const arm of ARMS) {
    const plan = {
      hypotheses,
      options,
      repeats: true,
      policy: arm.policy,
      seed,
      noise: { relative: 0, absolute: sigmaOf(law, arm.noise) },
      budget,
    };
    const { alive } = await runStudy(plan, (settings, number) =>
      observeLaw(law, settings, arm.noise, `${seed}/${number}`),
    );
    const judged = alive[0] ? judge(law, alive[0]) : undefined;
    result.exact.push(judged?.exact ?? false);
    result.structure.push(judged?.structure ?? false);
    result.claims.push(alive[0]?.hypothesis.text ?? null);
  }
  return result;
}

const results: Result[] = [];
for (const seed of seeds)
  for (const [i, name] of names.entries()) {
    if (i % parts !== part - 1) continue;
    const result = await resultOf(name, seed);
    results.push(result);
    if (values.json) console.log(JSON.stringify(result));
    else
      console.error(
        `${name} ${seed}: ${result.exact.map((exact, i) => (exact ? 'exact' : result.claims[i])).join(' | ')}`,
      );
  }

const total = results.length;
const percent = (count: number) => `${((100 * count) / total).toFixed(1)} %`;
if (!values.json) {
  for (const [i, arm] of ARMS.entries()) {
    const exact = results.filter((one) => one.exact[i]).length;
    const structure = results.filter((one) => one.structure[i]).length;
    console.log(
      `${arm.policy.padEnd(12)} noise ${String(arm.noise).padEnd(5)} exact ${exact} of ${total} (${percent(exact)}), structure ${structure} (${percent(structure)})`,
    );
  }
  const gained = results.filter(({ exact }) => exact[0] && !exact[1]).length;
  const lost = results.filter(({ exact }) => !exact[0] && exact[1]).length;
  console.log(
    `chosen and not at random ${gained}, at random and not chosen ${lost}: p = ${mcnemar(gained, lost).toExponential(1)}`,
  );
}
