/** The short form of `npm run chaos`: every victim once, every fault of the endpoint. */
import { beforeAll, describe, expect, it } from 'vitest';
import { faultCells } from './harness/fault-cells.ts';
import { killCells, POINTS, shortPlan } from './harness/plan.ts';
import { STAGES } from './harness/moments.ts';
import { VICTIMS } from './harness/stack.ts';
import { runSuite, type SuiteResult } from './harness/suite.ts';

const SEED = 1;
const kills = shortPlan(SEED);
const faults = faultCells(SEED);
let result: SuiteResult;

beforeAll(async () => {
  result = await runSuite({ kills, faults, lanes: 2 });
}, 1_200_000);

describe('the plan', () => {
  it('kills every victim in every stage at every point', () => {
    const names = killCells(SEED).map(({ victim, stage, point }) => `${victim}/${stage}/${point}`);
    expect(new Set(names).size).toBe(VICTIMS.length * STAGES.length * POINTS.length);
  });

  it('is the same for the same seed and another for another', () => {
    expect(killCells(SEED)).toEqual(killCells(SEED));
    expect(killCells(SEED)).not.toEqual(killCells(SEED + 1));
    expect(new Set(kills.map(({ victim }) => victim))).toEqual(new Set(VICTIMS));
  });
});

describe('killed with -9', () => {
  it.each(kills)('$victim in $stage at $point %: the run ends as if nothing had happened', (cell) => {
    expect(result.kills.find((done) => done.cell === cell)?.broken).toEqual([]);
  });
});

describe('the endpoint', () => {
  it.each(faults)('$name: $expected', (cell) => {
    expect(result.faults.find((done) => done.cell === cell)?.broken).toEqual([]);
  });
});

it('leaves no process behind and no fine-tuning job that no run knows of', () => {
  expect(result.left).toEqual([]);
});
