/** The gallery, in the order of its table. */
import type { Rogue } from '../harness/rogue.ts';
import { collapse, constant, nonsense, unparsable, verbose } from './answers.ts';
import { failsOnTheCandidate, injectable, refusesTheHard } from './critics.ts';
import { addsNothing, changesNothing, forgets, notANumber } from './trainers.ts';

export const ROGUES: readonly Rogue[] = [
  verbose,
  constant,
  nonsense,
  unparsable,
  failsOnTheCandidate,
  injectable,
  refusesTheHard,
  forgets,
  collapse,
  changesNothing,
  addsNothing,
  notANumber,
];
