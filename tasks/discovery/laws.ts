/**
 * Laws to be found: physics and chemistry, altered. A law is a structure of the grammar with parameters that a seed draws, so that none
 * can be known by heart. What alters a law from its textbook form shows in a part of its range only, as it would in the world: at
 * short distances, large amplitudes, low temperatures.
 */
import { random } from '../../loop/random.ts';
import { InvalidInputError } from '../errors.ts';
import type { FormName, Quantity } from './forms.ts';
import { hypothesisFor, type Hypothesis, type Structure } from './grammar.ts';

type Range = readonly [number, number];

/** A quantity that is set: its name, its range, and its form with the range of each parameter; no form: it plays no part. */
type Part = readonly [name: string, range: Range, form?: FormName, ...parameters: Range[]];

type LawSpec = {
  name: string;
  family: string;
  parts: readonly Part[];
  scale: Range;
  constant?: Range;
};

/**
 * By family, a law a line: its name, the range of its scale, then each quantity with its range, its form and the range of each of the
 * form's parameters; behind a plus the range of a constant.
 */
const TABLE = `
gravity
  gravity 5..20: mass 1..10 linear, distance 0.5..15 power -3..-1.3
  gravity-screened 5..20: mass 1..10 linear, distance 0.5..15 screened -2.2..-1 2..6
  gravity-near-field 5..20: mass 1..30 saturation 5..15, distance 0.5..15 virial 0.3..1
coulomb
  coulomb 2..9: charge 1..8 linear, distance 0.4..12 power -2.6..-1.4
  coulomb-screened 2..9: charge 1..8 linear, distance 0.4..12 screened -1.6..-0.7 1..4
  coulomb-in-medium 2..9: charge 1..8 quadratic 0.02..0.08, distance 0.4..12 inhibition 0.2..1
spring
  spring-cubic 2..8: stretch 0.2..4 cubic 0.02..0.1, turns 2..60 power -1.3..-0.7
  spring-soft 2..8: stretch 0.2..4 quadratic -0.12..-0.04, turns 2..60 inhibition 3..9
  spring-warm 2..8: stretch 0.2..4 cubic 0.02..0.1, temperature 1..9 linearCorrection -0.06..-0.02
drag
  drag 0.5..3: speed 0.5..12 quadratic 0.05..0.3, density 0.5..3 power 0.6..0.85
  drag-fast 0.5..3: speed 0.5..12 cubic 0.004..0.02, density 0.5..3 power 0.6..0.85
  drag-with-friction 0.5..3: speed 0.5..12 power 1.5..2.2, size 0.5..3 power 1.6..2.2, + 4..15
pendulum
  pendulum 1..3: length 0.2..4 power 0.4..0.6, swing 0.1..2 squareCorrection 0.04..0.12
  pendulum-heavy-bob 1..3: length 0.2..4 power 0.4..0.6, radius 0.05..1 linearCorrection 0.05..0.2
  pendulum-elastic 1..3: length 0.2..4 power 0.4..0.6, load 0.5..15 saturation 0.3..1
gas
  gas 2..9: temperature 2..10 linear, volume 0.5..18 power -1.5..-0.8
  gas-virial 2..9: temperature 2..10 linear, volume 0.5..18 virial 0.1..0.4
  gas-leaking 2..9: temperature 2..10 linearCorrection 0.05..0.2, volume 0.5..18 inhibition 0.3..1.5
cooling
  cooling 20..80: time 0..36 exponential -0.5..-0.15, wind 0.2..15 power -0.5..-0.2, + 3..10
  cooling-radiating 20..80: time 0..36 inhibition 1..4, mass 1..24 saturation 1..4
  heating 20..80: time 0.1..36 charging 1..4, power 1..8 power 0.6..0.9
enzyme
  enzyme-inhibited 5..20: substrate 0.2..36 saturation 0.5..4, inhibitor 0..24 inhibition 0.6..3
  enzyme-cooperative 5..20: substrate 0.2..36 hill 1.5..5 1.6..3, enzyme 0.2..4 linear
  enzyme-warm 5..20: substrate 0.2..36 saturation 0.5..4, temperature 1..27 activation 2..6
reaction
  arrhenius 10..60: temperature 1..24 activation 3..9, concentration 0.2..4 power 1.3..2
  arrhenius-saturating 10..60: temperature 1..24 activation 3..9, concentration 0.2..12 saturation 0.5..2
  arrhenius-poisoned 10..60: temperature 1..24 activation 3..9, poison 0..12 inhibition 0.5..2
absorption
  absorption 5..20: depth 0.1..18 exponential -0.9..-0.3, dose 0.5..18 saturation 1..5
  absorption-spreading 5..20: depth 0.3..18 screened -2..-0.8 2..8, dose 0.5..6 linear
  absorption-dark 5..20: depth 0.1..18 exponential -0.9..-0.3, dose 0.5..6 linear, + 0.3..1
capacitor
  charging 1..6: time 0.1..30 charging 0.8..3, voltage 1..9 linear
  charging-varicap 1..6: time 0.1..30 charging 0.8..3, voltage 1..9 quadratic -0.06..-0.02
  discharging 1..6: time 0..30 exponential -0.8..-0.25, voltage 1..9 quadratic 0.02..0.08
photoelectric
  photoelectric 1..4: frequency 1..12 threshold 3..8, intensity 0.5..5 linear
  photoelectric-saturating 1..4: frequency 1..12 threshold 3..8, intensity 0.5..15 saturation 1..4
  photoelectric-shaded 1..4: frequency 1..12 threshold 3..8, distance 0.5..12 power -2.3..-1.4
spectrum
  line 3..12: frequency 1..30 line 3..8 0.16..1, density 0.5..4 linear
  line-saturating 3..12: frequency 1..30 line 3..8 0.16..1, density 0.5..12 saturation 1..4
  line-quenched 3..12: frequency 1..30 line 3..8 0.16..1, quencher 0..15 inhibition 0.8..4
lens
  lens 4..12: distance 0.5..27 inhibition 0.5..2, aperture 0.5..4 power 1.6..2.3
  lens-aberrant 4..12: distance 0.5..27 inhibition 0.5..2, aperture 0.5..4 squareCorrection 0.02..0.08
  lens-dispersive 4..12: distance 0.5..27 inhibition 0.5..2, wavelength 1..5 linearCorrection -0.15..-0.05
wave
  wave 3..9: phase 0.2..8 wave 0.6..1.4, amplitude 0.5..4 linear
  wave-damped 3..9: phase 0.2..8 wave 0.6..1.4, distance 0.5..18 exponential -0.6..-0.2
  wave-stiff 3..9: phase 0.2..8 wave 0.6..1.4, amplitude 0.5..4 quadratic 0.04..0.15
resistance
  resistance 0.5..4: temperature 1..9 linearCorrection 0.03..0.12, length 1..9 linear
  thermistor 0.5..4: temperature 1..27 exponential -0.4..-0.15, length 1..9 quadratic 0.02..0.08
  semiconductor 0.5..4: temperature 1..27 activation 2..7, voltage 1..9 power 1.2..2, + 0.5..2
dose
  dose-response 10..50: dose 0.2..30 hill 1.5..5 1.6..3, time 0.2..24 exponential -0.4..-0.1
  dose-antagonised 10..50: dose 0.2..30 hill 1.5..5 1.6..3, antagonist 0..18 inhibition 0.8..4
  dose-background 10..50: dose 0.2..30 saturation 1..4, time 0.2..24 exponential -0.4..-0.1, + 2..8
magnet
  curie-weiss 5..20: temperature 0.5..24 inhibition 0.3..2, field 0.5..6 linear
  curie-saturating 5..20: temperature 0.5..24 power -1.3..-0.8, field 0.5..18 saturation 2..8
  magnet-with-core 5..20: current 0.5..8 quadratic -0.06..-0.02, gap 0.2..9 inhibition 0.2..1
flow
  pipe 0.5..2: radius 0.4..2.5 power 3..4.4, pressure 1..8 linear, length 1..27 power -1.2..-0.8
  pipe-yielding 0.5..2: radius 0.4..2.5 power 3..4.4, pressure 1..8 threshold 1.5..4, paint 1..9
  outflow 0.5..2: height 0.2..6 power 0.4..0.6, opening 0.2..2 cubic 0.05..0.2
growth
  growth-light 2..9: light 0.2..36 saturation 1..5, time 0..6 exponential 0.15..0.4
  growth-fed 2..9: food 0.2..36 hill 2..6 1.6..3, salt 0..5 linearCorrection -0.12..-0.04
  growth-three-ways 2..9: light 0.2..36 saturation 1..5, food 0.2..24 saturation 1..4, salt 0..15 exponential -0.4..-0.15
`;

const rangeOf = (text: string): Range => text.split('..').map(Number) as unknown as Range;

function specOf(line: string, family: string): LawSpec {
  const [, name, scale, rest] = /^ {2}(\S+) (\S+): (.*)$/.exec(line)!;
  const pieces = rest!.split(', ').map((piece) => piece.split(' '));
  const constant = pieces.find(([first]) => first === '+');
  const parts = pieces
    .filter((piece) => piece !== constant)
    .map(([own, range, form, ...parameters]): Part => {
      const set = [own!, rangeOf(range!)] as const;
      return form === undefined ? set : [...set, form as FormName, ...parameters.map(rangeOf)];
    });
  return {
    name: name!,
    family,
    scale: rangeOf(scale!),
    parts,
    ...(constant ? { constant: rangeOf(constant[1]!) } : {}),
  };
}

function readTable(): LawSpec[] {
  let family = '';
  return TABLE.trim()
    .split('\n')
    .flatMap((line) => {
      if (line.startsWith(' ')) return [specOf(line, family)];
      family = line;
      return [];
    });
}

export const LAWS: readonly LawSpec[] = readTable();

/** Families that a chooser may be trained on; all others are for measuring it. Every other one, in the order above. */
const names = [...new Set(LAWS.map(({ family }) => family))];
export const SEEN_FAMILIES: readonly string[] = names.filter((_, i) => i % 2 === 0);
export const UNSEEN_FAMILIES: readonly string[] = names.filter((_, i) => i % 2 === 1);

/** A law with its parameters. */
export type Law = {
  name: string;
  family: string;
  quantities: Quantity[];
  structure: Structure;
  truth: Hypothesis;
  parameters: number[];
};

/** @throws InvalidInputError for an unknown name, naming those that there are */
export function lawOf(name: string, seed: number): Law {
  const spec = LAWS.find((one) => one.name === name);
  if (!spec)
    throw new InvalidInputError([
      `there is no law ${JSON.stringify(name.slice(0, 60))}; known: ${LAWS.map((one) => one.name).join(', ')}, or the path of a simulator's .yaml file`,
    ]);
  const quantities = spec.parts.map(([own, [min, max]]) => ({ name: own, min, max }));
  const forms = Object.fromEntries(spec.parts.flatMap(([own, , form]) => (form ? [[own, form]] : [])));
  const structure: Structure = { forms, ...(spec.constant ? { constant: true } : {}) };
  const next = random(`law ${name} of seed ${seed}`);
  const ranges = [
    spec.scale,
    ...spec.parts.flatMap(([, , , ...own]) => own),
    ...(spec.constant ? [spec.constant] : []),
  ];
  const parameters = ranges.map(([low, high]) => low + (high - low) * next());
  return {
    name,
    family: spec.family,
    quantities,
    structure,
    truth: hypothesisFor(structure, quantities),
    parameters,
  };
}
