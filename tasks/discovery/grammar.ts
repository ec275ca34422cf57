/** All laws that the grammar has for some quantities, and hypotheses that somebody wrote: quantities in, hypotheses out. */
import { random } from '../../loop/random.ts';
import { InvalidInputError } from '../errors.ts';
import { compile, namesIn, parseExpression, written, type Compute } from './expression.ts';
import { FORM_NAMES, FORMS, type Form, type FormName, type Quantity } from './forms.ts';

/** A structure of a law, whose parameters are found by fitting. Equal structures have equal texts. */
export type Hypothesis = {
  /** Of the quantities and of the parameters k1, k2, … in the order in which they are met. */
  text: string;
  parameters: number;
  /** Where a fit may begin, for each parameter. */
  starts: readonly (readonly number[])[];
  /** Places of parameters that it is linear in, all of them together: a fit solves for them. */
  linear: readonly number[];
  compute: Compute;
};

/** Which form each quantity has, and whether a constant is added. Quantities that are not named play no part. */
export type Structure = { forms: Record<string, FormName>; constant?: boolean };

/** Parameters beside scale and constant: more are not told apart by some tens of experiments. */
const MOST_SHAPE = 3;
const MOST_SHAPE_WITH_CONSTANT = 2;
/** With a constant, and no other quantity, these say what another form says, or nothing. */
const IDLE_ALONE = new Set<FormName>(['linearCorrection', 'squareCorrection', 'inhibition', 'charging']);

/** Scales and constants are found by linear least squares: where it begins says nothing. */
const LINEAR = [1];
const MOST_WRITTEN = 6;
const WRITTEN_STARTS = [-1, 0.1, 0.5, 1, 2, 10];

const parametersOf = (form: FormName): number => FORMS[form].starts({ min: 1, max: 2 }).length;

/** @throws InvalidInputError for an expression that can't be read */
export function hypothesisOf(
  text: string,
  quantities: readonly Quantity[],
  known?: Pick<Hypothesis, 'starts' | 'linear'>,
): Hypothesis {
  const node = parseExpression(text);
  const columns = quantities.map(({ name }) => name);
  const names = namesIn(node);
  const found = names.filter((name) => !columns.includes(name));
  const named = `the expression ${JSON.stringify(text.slice(0, 80))}`;
  if (found.length > MOST_WRITTEN)
    throw new InvalidInputError([`${named} has more than ${MOST_WRITTEN} parameters: ${found.join(', ')}`]);
  if (found.length === 0)
    throw new InvalidInputError([`${named} has no parameter, so there is nothing to fit`]);
  if (found.length === names.length)
    throw new InvalidInputError([`${named} has none of the quantities ${columns.join(', ')}`]);
  const renamed = new Map(found.map((name, i) => [name, `k${i + 1}`]));
  const compute = compile(node, columns, found);
  return {
    text: written(node, (name) => renamed.get(name) ?? name),
    parameters: found.length,
    starts: known?.starts ?? found.map(() => WRITTEN_STARTS),
    linear: known?.linear ?? linearIn(compute, found.length, quantities),
    compute,
  };
}

/** Seen from values at some settings: twice as much of a parameter, or of two, adds twice as much. */
function linearIn(compute: Compute, parameters: number, quantities: readonly Quantity[]): number[] {
  const next = random('settings to look at');
  const columns = quantities.map(({ min, max }) =>
    Float64Array.from({ length: 24 }, () => min + (max - min) * next()),
  );
  const at = (changes: Record<number, number>): Float64Array => {
    const out = new Float64Array(24);
    compute(
      columns,
      Array.from({ length: parameters }, (_, j) => changes[j] ?? 0.7),
      out,
    );
    return out;
  };
  const adds = (a: Float64Array, b: Float64Array, times: number, c: Float64Array, d: Float64Array) =>
    a.every((value, i) => {
      const [one, other] = [value - b[i]!, times * (c[i]! - d[i]!)];
      return Math.abs(one - other) <= 1e-9 * (Math.abs(one) + Math.abs(other) + 1e-9);
    });
  const chosen: number[] = [];
  for (let j = 0; j < parameters; j++) {
    const alone = adds(at({ [j]: 5 }), at({ [j]: 0 }), 5, at({ [j]: 1 }), at({ [j]: 0 }));
    const together = chosen.every((k) =>
      adds(at({ [j]: 5, [k]: 5 }), at({ [j]: 0, [k]: 5 }), 1, at({ [j]: 5, [k]: 0 }), at({ [j]: 0, [k]: 0 })),
    );
    if (alone && together) chosen.push(j);
  }
  return chosen;
}

/** The hypothesis of a structure. */
export function hypothesisFor({ forms, constant }: Structure, quantities: readonly Quantity[]): Hypothesis {
  let next = 1;
  const starts: (readonly number[])[] = [LINEAR];
  const factors = quantities.flatMap((quantity) => {
    const name = forms[quantity.name];
    if (!name) return [];
    const form: Form = FORMS[name];
    const own = form.starts(quantity);
    starts.push(...own);
    return [
      form.text(
        quantity.name,
        own.map(() => `k${++next}`),
      ),
    ];
  });
  const product = ['k1', ...factors].join(' * ');
  if (constant) starts.push(LINEAR);
  const text = constant ? `${product} + k${++next}` : product;
  return hypothesisOf(text, quantities, { starts, linear: constant ? [0, next - 1] : [0] });
}

/** Every structure of the grammar, simple ones first. @param allowed forms of some quantities, where they are known */
export function structures(
  quantities: readonly Quantity[],
  allowed: Record<string, readonly FormName[]> = {},
): Structure[] {
  let found: Structure[] = [{ forms: {} }];
  for (const { name } of quantities)
    found = found.flatMap((one) => [
      one,
      ...(allowed[name] ?? FORM_NAMES).map((form) => ({ forms: { ...one.forms, [name]: form } })),
    ]);
  const shape = ({ forms }: Structure) => Object.values(forms).map(parametersOf);
  const total = (structure: Structure) => shape(structure).reduce((sum, n) => sum + n, 0);
  return found
    .filter((one) => Object.keys(one.forms).length > 0 && total(one) <= MOST_SHAPE)
    .filter((one) => shape(one).filter((n) => n > 1).length <= 1)
    .flatMap((one) => (canHaveConstant(one, total(one)) ? [one, { ...one, constant: true }] : [one]))
    .map((one) => ({ one, size: total(one) + (one.constant ? 1 : 0) }))
    .sort((a, b) => a.size - b.size)
    .map(({ one }) => one);
}

function canHaveConstant({ forms }: Structure, shape: number): boolean {
  const used = Object.values(forms);
  return shape <= MOST_SHAPE_WITH_CONSTANT && !(used.length === 1 && IDLE_ALONE.has(used[0]!));
}

/** The grammar's hypotheses, and those that somebody wrote where they are none of them. @throws InvalidInputError */
export function hypothesesOf(
  quantities: readonly Quantity[],
  {
    allowed = {},
    more = [],
  }: { allowed?: Record<string, readonly FormName[]>; more?: readonly string[] } = {},
): Hypothesis[] {
  const byText = new Map<string, Hypothesis>();
  for (const structure of structures(quantities, allowed)) {
    const hypothesis = hypothesisFor(structure, quantities);
    byText.set(hypothesis.text, hypothesis);
  }
  for (const text of more) {
    const hypothesis = hypothesisOf(text, quantities);
    if (!byText.has(hypothesis.text)) byText.set(hypothesis.text, hypothesis);
  }
  return [...byText.values()];
}
