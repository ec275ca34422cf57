import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextBeside, sampleTokens, tokensOf } from '../../engine/debate/beside.ts';
import { debatesAhead } from '../../engine/debate/forecast.ts';
import { faultOf, nextStep, originOf, type Held, type Rules, type Said } from '../../engine/debate/turns.ts';
import { debateProblems } from '../../engine/debate/agents.ts';
import { takeIn } from '../../engine/intake.ts';
import { improveInputSchema, problemsIn, type ImproveInput } from '../../loop/input.ts';
import { loadTask } from '../../tasks/index.ts';

const RULES: Rules = {
  agents: 3,
  rounds: 3,
  calls: 100,
  pointed: true,
  alone: false,
  sameAnswer: (a, b) => a === b,
};

const turn = (round: number, agent: number, answer: string | null, more: Partial<Held> = {}): Held => ({
  id: round * 100 + agent,
  round,
  agent,
  action: round === 1 ? 'answer' : 'revise',
  callId: round * 100 + agent,
  rationale: `work of ${agent}`,
  answer,
  formatOk: answer !== null,
  coherenceOk: answer !== null,
  ...more,
});
const fails = (of: Held, line: number | null = 1): Said => ({
  turnId: of.id,
  outcome: 'fails',
  line,
  reason: 'no',
});
const holds = (of: Held): Said => ({ turnId: of.id, outcome: 'holds', line: null, reason: 'yes' });

/** Plays a debate to its end; `pick` says which of what is open is done before the next look, as a kill may have it. */
function play(
  rules: Rules,
  answerOf: (round: number, agent: number) => string | null,
  faulted: (round: number, agent: number) => boolean,
  pick: (open: number) => number = (open) => open,
) {
  const turns: Held[] = [];
  const points: Said[] = [];
  const asked: string[] = [];
  for (let guard = 0; ; guard++) {
    if (guard > 1000) throw new Error('no end');
    const next = nextStep(turns, points, rules);
    if (next.do === 'end') return { turns, points, asked, ...next };
    if (next.do === 'ask') {
      for (const kept of next.keep)
        turns.push({
          ...kept,
          id: next.round * 100 + kept.agent,
          round: next.round,
          action: 'keep',
          callId: null,
        });
      for (const agent of next.ask.slice(0, Math.max(1, pick(next.ask.length)))) {
        asked.push(`${next.round}/${agent}`);
        turns.push(turn(next.round, agent, answerOf(next.round, agent)));
      }
    } else {
      for (const one of next.turns.slice(0, Math.max(1, pick(next.turns.length)))) {
        asked.push(`critic ${one.id}`);
        points.push(faulted(one.round, one.agent) ? fails(one) : holds(one));
      }
    }
  }
}

describe('a debate', () => {
  test('is the same however its steps are cut up, asks for nothing twice and keeps to its caps', () => {
    const answers = fc.array(fc.constantFrom('1', '2', null), { minLength: 48, maxLength: 48 });
    fc.assert(
      fc.property(
        answers,
        fc.array(fc.boolean(), { minLength: 48, maxLength: 48 }),
        fc.record({
          agents: fc.integer({ min: 2, max: 6 }),
          rounds: fc.integer({ min: 1, max: 8 }),
          calls: fc.integer({ min: 6, max: 60 }),
          pointed: fc.boolean(),
          alone: fc.boolean(),
        }),
        fc.infiniteStream(fc.nat()),
        (said, faulty, some, picks) => {
          const rules = { ...RULES, ...some };
          const at = (round: number, agent: number) => (round - 1) * 6 + agent;
          const answerOf = (round: number, agent: number) => said[at(round, agent)]!;
          const faulted = (round: number, agent: number) => faulty[at(round, agent)]!;
          const whole = play(rules, answerOf, faulted);
          const cut = play(rules, answerOf, faulted, (open) => picks.next().value! % (open + 1));
          expect(new Set(cut.asked).size).toBe(cut.asked.length);
          expect(cut.asked.toSorted()).toEqual(whole.asked.toSorted());
          expect([cut.round, cut.reason]).toEqual([whole.round, whole.reason]);
          expect(whole.asked.length).toBeLessThanOrEqual(rules.calls);
          expect(whole.round).toBeLessThanOrEqual(rules.rounds);
          expect(whole.turns.filter(({ round }) => round === whole.round)).toHaveLength(rules.agents);
        },
      ),
    );
  });

  test('ends once all agree and no critic objects, and not before', () => {
    const agreed = [turn(1, 0, '6'), turn(1, 1, '6'), turn(1, 2, '6')];
    expect(nextStep(agreed, [], RULES)).toMatchObject({ do: 'point', turns: agreed });
    const fine = agreed.map(holds);
    expect(nextStep(agreed, fine, RULES)).toMatchObject({
      do: 'end',
      round: 1,
      reason: 'all agree and no critic objects',
    });
    expect(nextStep(agreed, [...fine.slice(1), fails(agreed[0]!)], RULES)).toMatchObject({
      do: 'ask',
      round: 2,
      ask: [0, 1, 2],
    });
    const split = [turn(1, 0, '6'), turn(1, 1, '6'), turn(1, 2, '7')];
    expect(nextStep(split, split.map(holds), RULES)).toMatchObject({
      do: 'ask',
      round: 2,
      ask: [0, 1, 2],
      keep: [],
    });
  });

  test('of agents that can not read each other asks those again whose work is faulted or unsound', () => {
    const opening = [turn(1, 0, '6'), turn(1, 1, '7'), turn(1, 2, null)];
    const points = [holds(opening[0]!), fails(opening[1]!, 4)];
    const next = nextStep(opening, points, { ...RULES, alone: true });
    expect(next).toMatchObject({ do: 'ask', round: 2, ask: [1, 2], keep: [opening[0]] });
    expect(faultOf(opening[1]!, opening, points)).toMatchObject({ line: 4 });
    const sound = [turn(1, 0, '6'), turn(1, 1, '7'), turn(1, 2, '7')];
    expect(nextStep(sound, sound.map(holds), { ...RULES, alone: true })).toMatchObject({
      do: 'end',
      round: 1,
      reason: 'nobody had a reason to revise',
    });
  });

  test('does not put kept work to the critics again, and remembers what they said of it', () => {
    const opening = [turn(1, 0, '6'), turn(1, 1, '7'), turn(1, 2, '7')];
    const second = [
      turn(2, 0, '7'),
      { ...turn(2, 1, '7'), action: 'keep' as const },
      { ...turn(2, 2, '7'), action: 'keep' as const },
    ];
    const turns = [...opening, ...second];
    const points = [holds(opening[0]!), fails(opening[1]!), holds(opening[2]!)];
    expect(originOf(second[1]!, turns)).toBe(opening[1]);
    expect(faultOf(second[1]!, turns, points)).toMatchObject({ outcome: 'fails' });
    expect(nextStep(turns, points, RULES)).toMatchObject({ do: 'point', turns: [second[0]] });
  });

  test('takes as many calls as it may, and not one more', () => {
    const opening = [turn(1, 0, '6'), turn(1, 1, '7'), turn(1, 2, '7')];
    expect(nextStep(opening, [], { ...RULES, calls: 6 }).do).toBe('point');
    expect(nextStep(opening, [], { ...RULES, calls: 5 })).toMatchObject({
      do: 'end',
      round: 1,
      reason: 'it would take 6 calls, at most 5 are allowed (strategy.debate.calls)',
    });
    const points = opening.map(holds);
    expect(nextStep(opening, points, { ...RULES, calls: 9 }).do).toBe('ask');
    expect(nextStep(opening, points, { ...RULES, calls: 8 })).toMatchObject({ do: 'end', round: 1 });
  });

  test('has its last round where the settings say', () => {
    const opening = [turn(1, 0, '6'), turn(1, 1, '7'), turn(1, 2, '7')];
    expect(nextStep(opening, [], { ...RULES, rounds: 1 })).toMatchObject({
      do: 'end',
      round: 1,
      reason: 'it was the last round',
    });
    expect(nextStep(opening, [], { ...RULES, rounds: 2 }).do).toBe('point');
  });
});

describe('the vote beside a debate', () => {
  const step = (tokens: number[], wanted: number, most = 10) =>
    nextBeside(tokens, wanted, { most, usual: 10 });

  test('is closed with the sample that reaches the tokens of the debate', () => {
    expect(step([10, 10, 10], 20)).toEqual({ do: 'close', samples: 2, tokens: 20 });
    expect(step([10, 10, 10], 21)).toEqual({ do: 'close', samples: 3, tokens: 30 });
    expect(step([10, 10], 21)).toEqual({ do: 'draw', samples: 3 });
  });

  test('ends at its cap', () => {
    expect(step([1, 1, 1], 100, 3)).toEqual({ do: 'close', samples: 3, tokens: 3 });
    expect(step([1, 1], 100, 3)).toEqual({ do: 'draw', samples: 3 });
  });

  test('ends for whatever samples take, never with fewer tokens than the debate unless it is at its cap', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.integer({ min: 0, max: 50 })),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 1, max: 100 }),
        (sizes, wanted, most) => {
          const drawn: number[] = [];
          for (;;) {
            const next = nextBeside(drawn, wanted, { most, usual: 10 });
            if (next.do === 'draw') {
              expect(next.samples).toBeGreaterThan(drawn.length);
              expect(next.samples).toBeLessThanOrEqual(most);
              while (drawn.length < next.samples) drawn.push(sizes.next().value!);
              continue;
            }
            expect(next.samples === most || next.tokens >= wanted).toBe(true);
            return;
          }
        },
      ),
    );
  });

  test('pays for what a call read once, in even parts', () => {
    const calls = new Map([
      [1, { prompt: 30, completion: 12 }],
      [2, { prompt: 10, completion: 5 }],
    ]);
    const drawn = [
      { callId: 1, completionTokens: 4 },
      { callId: 1, completionTokens: 8 },
      { callId: 2, completionTokens: 5 },
    ];
    expect(sampleTokens(drawn, calls)).toEqual([19, 23, 15]);
    expect(tokensOf([1, 1, 2, null], calls)).toBe(57);
  });
});

test('a debate must be allowed the first call of each agent', () => {
  const parse = (debate: object) => improveInputSchema.safeParse({ strategy: { debate } });
  const agents = Array.from({ length: 5 }, () => ({}));
  expect(parse({ agents, calls: 5 }).success).toBe(true);
  expect(problemsIn(parse({ agents, calls: 4 }).error!)).toEqual([
    'strategy.debate.calls: must allow each agent its first call',
  ]);
});

describe('the forecast of debates', () => {
  const ahead = (debate: object) =>
    debatesAhead(improveInputSchema.parse({ strategy: { debate } }), { prompt: 100, completion: 10 }, 8);

  test('is the most that they can take, votes beside them and all', () => {
    // 8 debates of 3 agents and 2 rounds, each turn with a critique: 12 calls, and as much again for the votes.
    expect(ahead({ mode: 'on', prompts: 'all', rounds: 2 })).toEqual({
      prompt: 2 * 8 * 12 * 130,
      completion: 2 * 8 * 12 * 10,
    });
    expect(ahead({ mode: 'on', prompts: 'all', rounds: 2, calls: 11 }).completion).toBe(2 * 8 * 11 * 10);
    expect(ahead({ mode: 'on', prompts: 'all', rounds: 2, calls: 12 }).completion).toBe(2 * 8 * 12 * 10);
    expect(ahead({ mode: 'on', share: 0.5, rounds: 2 }).completion).toBe((2 * 8 * 12 * 10) / 4);
    expect(ahead({ mode: 'off' })).toEqual({ prompt: 0, completion: 0 });
  });
});

describe('settings of no effect are refused', () => {
  const take = (input: ImproveInput) => takeIn({ benchmark: { size: 'quick' }, ...input });
  const debating = (agents: NonNullable<NonNullable<ImproveInput['strategy']>['debate']>['agents']) => ({
    strategy: { debate: { mode: 'on' as const, agents } },
  });
  const teacher = {
    models: {
      teacher: { model: 'big', baseURL: 'http://127.0.0.1:1/v1' },
      generator: { model: 'small', baseURL: 'http://127.0.0.1:2/v1' },
    },
  };

  test('debates where every prompt is solved in parts, or answers are programs', async () => {
    const strategy = { ladder: { mode: 'on' as const }, debate: { mode: 'on' as const } };
    await expect(take({ strategy })).rejects.toThrow(
      'strategy.debate.mode: is on, but strategy.ladder.mode is too, and the task arithmetic splits',
    );
    await expect(take({ strategy: { debate: strategy.debate } })).resolves.toBeDefined();
    await expect(take({ strategy: { ladder: strategy.ladder } })).resolves.toBeDefined();
    const task = loadTask({ kind: 'arithmetic', benchmarkSize: 2 });
    const settings = improveInputSchema.parse({ strategy: { debate: strategy.debate } });
    expect(debateProblems({ settings, task })).toEqual([]);
    const programs = { ...task, sandboxed: { judgesBehaviour: true } as unknown as typeof task.sandboxed };
    expect(debateProblems({ settings, task: programs })).toEqual([
      "strategy.debate.mode: is on, but the answers of the task arithmetic are programs, about which agents can't argue",
    ]);
  });

  test('a checkpoint of an agent that is another model, or the teacher', async () => {
    const other = { model: 'other' };
    await expect(take(debating([{}, { checkpoint: 'base', endpoint: other }]))).rejects.toThrow(
      'strategy.debate.agents.1.checkpoint: is base, but the agent is another model: leave it out',
    );
    await expect(take({ ...debating([{ checkpoint: 'earlier' }, {}]), ...teacher })).rejects.toThrow(
      'strategy.debate.agents.0.checkpoint: is earlier, but the agents of a run with a teacher are the teacher: leave it out',
    );
    await expect(take(debating([{ checkpoint: 'base' }, { endpoint: other }]))).resolves.toBeDefined();
    await expect(take({ ...debating([{}, {}]), ...teacher })).resolves.toBeDefined();
  });

  test('an adversary without critics', async () => {
    const strategy = { selfPlay: { mode: 'on' as const } };
    await expect(take({ strategy, gates: { critique: { mode: 'off' } } })).rejects.toThrow(
      'strategy.selfPlay.mode: is on, but gates.critique.mode is off, so there is no critic to fool',
    );
    await expect(take({ strategy, gates: { critique: { mode: 'advisory' } } })).resolves.toBeDefined();
  });
});
