/**
 * Choosing an experiment as a problem for a model: laws with their weights, options with what each law foretells of them. Which option
 * tells most can be computed from the problem's own text, so a choice is verified and no answer is needed.
 */
import { random, sample } from '../../loop/random.ts';
import { sigmaAt, type Noise } from './choose.ts';
import { weigh, populationOf, type Alive } from './evidence.ts';
import { predict, type Data } from './fit.ts';
import { hypothesesOf } from './grammar.ts';
import { lawOf } from './laws.ts';
import { gridOf, observeLaw, sigmaOf, type Settings } from './simulator.ts';
import { chooseNext, isOpening, measuredIn, type Experiment, type Plan } from './study.ts';

/** Weights of the laws, and of each option what each law foretells, in standard deviations of a measurement. */
export type Choice = { weights: number[]; options: number[][] };

const LETTERS = 'ABCD';
/** The best option tells at least so many times what the next best does: which one it is must not hang on rounding. */
const CLEARLY = 1.25;

export function choiceText({ weights, options }: Choice): string {
  const laws = weights.map((weight, i) => `${LETTERS[i]} ${weight} %`).join(', ');
  const lines = options.map(
    (values, i) => `${i + 1}: ${values.map((value, j) => `${LETTERS[j]} ${value.toFixed(1)}`).join(', ')}`,
  );
  return [`Laws: ${laws}`, ...lines].join('\n');
}

/** Undefined where the text is no such problem. */
export function readChoice(text: string): Choice | undefined {
  const [first = '', ...lines] = text.trim().split('\n');
  const weights = [...first.matchAll(/([A-D]) (\d+) %/g)].map(([, , weight]) => Number(weight));
  const options = lines.map((line) =>
    [...line.matchAll(/([A-D]) (-?\d+\.\d)/g)].map(([, , value]) => Number(value)),
  );
  const choice = { weights, options };
  return weights.length >= 2 && options.length >= 2 && choiceText(choice) === text.trim()
    ? choice
    : undefined;
}

/** What each option is expected to tell of which law holds, in nats, as `expectedInformation` has it for fitted laws. */
export function informationIn({ weights, options }: Choice): number[] {
  const total = weights.reduce((sum, one) => sum + one, 0);
  return options.map((values) => {
    const mean = values.reduce((sum, value, i) => sum + (weights[i]! / total) * value, 0);
    const variance = values.reduce((sum, value, i) => sum + (weights[i]! / total) * (value - mean) ** 2, 0);
    return Math.log1p(variance) / 2;
  });
}

/** From 1. */
export function bestOption(choice: Choice): number {
  const information = informationIn(choice);
  return 1 + information.indexOf(Math.max(...information));
}

/** The same options in another order, and the number of each option in the new order for that in the old. */
export function reordered(choice: Choice, order: readonly number[]): Choice {
  return { ...choice, options: order.map((i) => choice.options[i]!) };
}

const OPTIONS = 4;
const LAWS = 3;

/** One problem of what is alive; undefined where no option is clearly the best. */
function choiceAt(
  alive: readonly Alive[],
  data: Data,
  settings: readonly Settings[],
  noise: Noise,
): Choice | undefined {
  const laws = alive.slice(0, LAWS);
  const total = laws.reduce((sum, { weight }) => sum + weight, 0);
  const weights = laws.map(({ weight }) => Math.max(1, Math.round((100 * weight) / total)));
  const values = laws.map(({ hypothesis, fit }) => predict(hypothesis, fit, data, settings).values);
  const options = settings.map((_, i) =>
    values.map((own) => Number((own[i]! / sigmaAt(noise, values[0]![i]!)).toFixed(1)) + 0),
  );
  const choice = { weights, options };
  const [best = 0, next = 0] = informationIn(choice).toSorted((a, b) => b - a);
  const drawable = options.flat().every((value) => Math.abs(value) < 10_000);
  return drawable && best >= 0.1 && best >= CLEARLY * next ? choice : undefined;
}

/**
 * Problems as they come up in a study of a law: of what is alive after each experiment, with options drawn at random.
 *
 * @param each problems for each experiment, at most
 */
export async function choicesOf(name: string, seed: number, budget: number, each: number): Promise<Choice[]> {
  const law = lawOf(name, seed);
  const options = gridOf(law.quantities);
  const noise = { relative: 0, absolute: sigmaOf(law, 0.01) };
  const plan: Plan = { options, repeats: true, policy: 'informative', seed, noise };
  const hypotheses = hypothesesOf(law.quantities);
  const population = populationOf(hypotheses);
  const next = random(`choices of ${name} ${seed}`);
  const experiments: Experiment[] = [];
  const found: Choice[] = [];
  let open = hypotheses;
  let evidence: Awaited<ReturnType<typeof weigh>> | undefined;
  while (experiments.length < budget) {
    const chosen = chooseNext(plan, experiments, evidence)!;
    const settings = options[chosen.option]!;
    const number = experiments.length + 1;
    experiments.push({
      number,
      option: chosen.option,
      settings,
      observed: observeLaw(law, settings, 0.01, `${seed}/${number}`),
    });
    if (isOpening(plan, experiments)) continue;
    const data = measuredIn(experiments);
    evidence = await weigh(open, data, population);
    if (evidence.alive.length < 2) break;
    open = evidence.alive.map(({ hypothesis }) => hypothesis);
    for (let i = 0; i < each; i++) {
      const choice = choiceAt(evidence.alive, data, sample(next, options, OPTIONS), noise);
      if (choice) found.push(choice);
    }
  }
  return found;
}
