/** Which cells there are, and in which order: the same for the same seed. */
import type { StageName } from '../../../loop/words.ts';
import { random } from '../../../loop/random.ts';
import { STAGES } from './moments.ts';
import { VICTIMS, type Victim } from './stack.ts';

export const POINTS = [10, 50, 90] as const;
type Point = (typeof POINTS)[number];

export type KillCell = {
  victim: Victim;
  stage: StageName;
  point: Point;
  /** The point with its jitter, 0…1. */
  share: number;
};

/** A kill comes up to this much before or after its point. */
const JITTER = 0.05;

/** Every victim in every stage at every point. Victims take turns, so that none dies twice in a row. */
export function killCells(seed: number): KillCell[] {
  return STAGES.flatMap((stage) =>
    POINTS.flatMap((point) =>
      VICTIMS.map((victim) => {
        const luck = random(`chaos ${seed} ${stage} ${point} ${victim}`)();
        return { victim, stage, point, share: point / 100 + JITTER * (2 * luck - 1) };
      }),
    ),
  );
}

/** Those of the cells that `only` names: "worker", "worker/generate", "worker/generate/50" or "/adapt". */
export function chosen(cells: KillCell[], only: string): KillCell[] {
  const [victim = '', stage = '', point = ''] = only.toLowerCase().split('/');
  return cells.filter(
    (cell) =>
      cell.victim.toLowerCase().startsWith(victim) &&
      cell.stage.startsWith(stage) &&
      String(cell.point).startsWith(point),
  );
}

/** A few cells for every day: each victim once, in a stage of its own, chosen by the seed. */
export function shortPlan(seed: number): KillCell[] {
  const draw = random(`chaos ${seed} short`);
  const all = killCells(seed);
  // Stages that make calls or train: where most can go wrong.
  const stages: StageName[] = ['generate', 'evaluate', 'adapt', 'benchmark'];
  return VICTIMS.map((victim) => {
    const [stage] = stages.splice(Math.floor(draw() * stages.length), 1);
    const point = POINTS[Math.floor(draw() * POINTS.length)]!;
    return all.find((cell) => cell.victim === victim && cell.stage === stage && cell.point === point)!;
  });
}
