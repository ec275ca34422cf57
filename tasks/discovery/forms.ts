/**
 * The grammar of laws: a law is a scale times one form of each quantity that it depends on, with a constant added or not. What physics
 * and chemistry write of one quantity at a time: powers, decays, saturation, screening, thresholds, lines of a spectrum.
 */

export type Quantity = {
  name: string;
  min: number;
  max: number;
};

/** What a form's parameter is, and where a fit may begin, for a quantity of this range. */
export type Form = {
  /** What it is called in reports and in tests. */
  title: string;
  /** @param x the quantity's name @param k names of its parameters, as many as `starts` gives */
  text(x: string, k: readonly string[]): string;
  starts(range: { min: number; max: number }): number[][];
};

const EXPONENTS = [-3, -2, -1, -0.5, 0.5, 1, 2, 3];
const shares =
  (...of: number[]) =>
  (range: { min: number; max: number }) => [of.map((one) => one * range.max)];
const SMALL_AND_LARGE = [0.05, 0.2, 0.6, 2, 8];
const places = ({ min, max }: { min: number; max: number }, steps: number) =>
  Array.from({ length: steps }, (_, i) => min + ((max - min) * (i + 0.5)) / steps);
/** One over a quantity, or over its square: small, large and either sign. */
const per = (x: number) => [-0.5, 0.1, 0.5, 2, 10].map((one) => one / x);

export const FORMS = {
  linear: { title: 'proportional', text: (x) => x, starts: () => [] },
  power: { title: 'power', text: (x, [k]) => `${x}^${k}`, starts: () => [EXPONENTS] },
  exponential: {
    title: 'exponential',
    text: (x, [k]) => `exp(${k} * ${x})`,
    starts: ({ max }) => [[-8, -3, -1, -0.3, 0.3, 1, 3].map((one) => one / max)],
  },
  activation: {
    title: 'activation',
    text: (x, [k]) => `exp(-${k} / ${x})`,
    starts: ({ min, max }) => [[0.2, 1, 3, 8].map((one) => one * Math.sqrt(min * max))],
  },
  saturation: {
    title: 'saturation',
    text: (x, [k]) => `${x} / (${k} + ${x})`,
    starts: shares(...SMALL_AND_LARGE),
  },
  inhibition: {
    title: 'inhibition',
    text: (x, [k]) => `1 / (${k} + ${x})`,
    starts: shares(...SMALL_AND_LARGE),
  },
  quadratic: {
    title: 'line and square',
    text: (x, [k]) => `${x} * (1 + ${k} * ${x})`,
    starts: ({ max }) => [per(max)],
  },
  cubic: {
    title: 'line and cube',
    text: (x, [k]) => `${x} * (1 + ${k} * ${x}^2)`,
    starts: ({ max }) => [per(max ** 2)],
  },
  linearCorrection: {
    title: 'linear correction',
    text: (x, [k]) => `(1 + ${k} * ${x})`,
    starts: ({ max }) => [per(max)],
  },
  squareCorrection: {
    title: 'square correction',
    text: (x, [k]) => `(1 + ${k} * ${x}^2)`,
    starts: ({ max }) => [per(max ** 2)],
  },
  virial: {
    title: 'virial',
    text: (x, [k]) => `(1 + ${k} / ${x}) / ${x}`,
    starts: ({ min, max }) => [[-0.3, 0.1, 0.5, 2].map((one) => one * Math.sqrt(min * max))],
  },
  charging: {
    title: 'charging',
    text: (x, [k]) => `(1 - exp(-${x} / ${k}))`,
    starts: shares(0.05, 0.2, 0.5, 1.5),
  },
  threshold: {
    title: 'threshold',
    text: (x, [k]) => `max(${x} - ${k}, 0)`,
    starts: (range) => [places(range, 8)],
  },
  wave: {
    title: 'wave',
    text: (x, [k]) => `sin(${k} * ${x})`,
    starts: ({ max }) => [[0.5, 1, 2, 3, 4, 5, 6, 8, 10, 12].map((one) => one / max)],
  },
  screened: {
    title: 'screened power',
    text: (x, [k, l]) => `${x}^${k} * exp(-${x} / ${l})`,
    starts: ({ max }) => [[-3, -2, -1, 1, 2], [0.1, 0.3, 1].map((one) => one * max)],
  },
  hill: {
    title: 'Hill',
    text: (x, [k, l]) => `1 / (1 + (${k} / ${x})^${l})`,
    starts: ({ max }) => [[0.15, 0.4, 0.8].map((one) => one * max), [2, 4]],
  },
  line: {
    title: 'spectral line',
    text: (x, [k, l]) => `1 / (1 + (${x} - ${k})^2 / ${l})`,
    starts: (range) => [places(range, 8), [0.03, 0.12].map((one) => (one * (range.max - range.min)) ** 2)],
  },
} satisfies Record<string, Form>;

export type FormName = keyof typeof FORMS;
export const FORM_NAMES = Object.keys(FORMS) as FormName[];
