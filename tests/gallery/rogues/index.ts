/** The gallery, in the order of its table. */
import type { Rogue } from '../harness/rogue.ts';
import { collapse, constant, identical, nonsense, template, unparsable, verbose } from './answers.ts';
import { believer, failsOnTheCandidate, injectable, refusesTheHard, yesMan } from './critics.ts';
import { addsNothing, changesNothing, forgets, notANumber } from './trainers.ts';

export const ROGUES: readonly Rogue[] = [
  verbose,
  constant,
  identical,
  nonsense,
  unparsable,
  yesMan,
  failsOnTheCandidate,
  injectable,
  believer,
  refusesTheHard,
  forgets,
  collapse,
  template,
  changesNothing,
  addsNothing,
  notANumber,
];
