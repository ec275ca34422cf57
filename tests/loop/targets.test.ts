import { describe, expect, it } from 'vitest';
import { adjusted } from '../../loop/course.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { chooseAlong, chooseReplay, type EarlierExample } from '../../loop/replay.ts';
import {
  iterationsOf,
  roleIn,
  stageNamed,
  stageOf,
  targetProblems,
  targetsOf,
  whyOver,
  type StageBegun,
  type TargetStage,
} from '../../loop/targets.ts';

type Given = NonNullable<NonNullable<ImproveInput['curriculum']>['targets']>;

const settingsOf = (targets: Given, more: ImproveInput = {}) =>
  improveInputSchema.parse({ ...more, curriculum: { ...more.curriculum, targets } });

const begun = (stage: number, from: number, more: Partial<StageBegun> = {}): StageBegun => ({
  kind: 'stage',
  fromIteration: from,
  untilIteration: null,
  overrides: {},
  checkpointId: 10 * stage,
  numbers: { stage, target: 'abc'[stage - 1], iterations: 4 },
  ...more,
});

const change = (kind: string, fromIteration: number, overrides: object): StageBegun =>
  begun(0, fromIteration, { kind, overrides: overrides as Record<string, unknown>, numbers: {} });

describe('the stages of a curriculum of targets', () => {
  it('divide alpha evenly, or what those that name theirs leave', () => {
    const alphas = (targets: Given) => targetsOf(settingsOf(targets)).map(({ alpha }) => alpha);
    expect(alphas(['a', 'b'])).toEqual([0.025, 0.025]);
    expect(alphas([{ target: 'a', alpha: 0.01 }, 'b', 'c'])).toEqual([0.01, 0.02, 0.02]);
    expect(alphas([])).toEqual([]);
  });

  it('divide the iterations that are left evenly, own numbers kept', () => {
    const settings = settingsOf(['a', 'b', { target: 'c', iterations: 2 }], { iterations: 9 });
    expect(iterationsOf(settings, 1, 1)).toBe(3);
    // The first was over after one: the second has what it left.
    expect(iterationsOf(settings, 2, 2)).toBe(6);
    expect(iterationsOf(settings, 3, 3)).toBe(2);
    expect(iterationsOf(settingsOf(['a', 'b'], { iterations: 2 }), 2, 3)).toBe(1);
  });

  it('are where the newest that began at or before an iteration says', () => {
    const settings = settingsOf(['a', { target: 'b', reach: 0.9 }, 'c']);
    const stored = [begun(1, 1), begun(2, 4), begun(3, 6)];
    expect(stageOf(settings, [], 1)).toBeUndefined();
    expect(stageOf(settings, stored, 3)).toMatchObject({ number: 1, of: 3, target: 'a', finished: [] });
    expect(stageOf(settings, stored, 4)).toMatchObject({
      number: 2,
      target: 'b',
      reach: 0.9,
      since: 4,
      iterations: 4,
      finished: [{ target: 'a', checkpointId: 20 }],
    });
    expect(stageOf(settings, stored, 99)?.finished).toEqual([
      { target: 'a', checkpointId: 20 },
      { target: 'b', checkpointId: 30 },
    ]);
    expect(stageNamed(settings, 2)).toEqual({ number: 2, of: 3, target: 'b' });
  });

  it('make a guard of a finished target, and nothing of one to come', () => {
    const stage = stageOf(settingsOf(['a', 'b', 'c']), [begun(1, 1), begun(2, 4)], 5);
    const role = (name: string, role: 'target' | 'guard' | 'final' = 'target') =>
      roleIn(stage, { name, role });
    expect(['a', 'b', 'c'].map((name) => role(name))).toEqual(['guard', 'target', 'later']);
    expect([role('g', 'guard'), role('f', 'final')]).toEqual(['guard', 'final']);
    expect(roleIn(undefined, { name: 'a', role: 'target' })).toBe('target');
  });

  it('are over when the target is reached or the iterations are used, and no sooner', () => {
    const stage: TargetStage = {
      number: 1,
      of: 2,
      target: 'a',
      reach: 0.9,
      since: 3,
      iterations: 4,
      finished: [],
    };
    expect(whyOver(stage, 4, 0.899)).toBeUndefined();
    expect(whyOver(stage, 4, 0.9)).toBe('a reached 90.0 % (90.0 % were asked for)');
    expect(whyOver(stage, 6, 0.5)).toBeUndefined();
    expect(whyOver(stage, 7, 0.5)).toBe('the 4 iterations of a are over, at 50.0 %');
    expect(whyOver({ ...stage, reach: undefined }, 4, 1)).toBeUndefined();
  });

  it('begin with the settings of the run: what was done for the target before is taken back', () => {
    const settings = settingsOf(['a', 'b']);
    const all = [
      begun(1, 1, { overrides: { promotion: { alpha: 0.01 }, budget: { stage: { tokens: 5 } } } }),
      change('lighter', 2, { sampling: { samples: 4 } }),
      change('pool', 3, { curriculum: { shift: 1 } }),
      change('budget', 3, { budget: { run: { tokens: 7 } } }),
      begun(2, 3, { overrides: { promotion: { alpha: 0.04 } } }),
      change('pool', 4, { curriculum: { shift: -1 } }),
    ];
    expect(adjusted(settings, all, 2)).toMatchObject({
      sampling: { samples: 4 },
      promotion: { alpha: 0.01 },
    });
    const later = adjusted(settings, all, 3);
    expect(later).toMatchObject({ sampling: { samples: 8 }, curriculum: { shift: 0 } });
    expect(later).toMatchObject({ promotion: { alpha: 0.04 }, budget: { run: { tokens: 7 } } });
    expect(adjusted(settings, all, 2).budget.stage).toEqual({ tokens: 5 });
    expect(later.budget.stage).toEqual({});
    expect(adjusted(settings, all, 4).curriculum.shift).toBe(-1);
  });
});

describe('a curriculum that cannot be', () => {
  const task = [
    { name: 'a', role: 'target' as const },
    { name: 'b', role: 'target' as const },
    { name: 'safe', role: 'guard' as const },
    { name: 'last', role: 'final' as const },
  ];
  const problems = (targets: Given, more: ImproveInput = {}) =>
    targetProblems(settingsOf(targets, more), task).join('\n');

  it('is none where it names all targets of the task once', () => {
    expect(problems(['b', 'a'])).toBe('');
    expect(problems([])).toBe('');
  });

  it.each<[string, Given, ImproveInput, RegExp]>([
    ['an unknown benchmark', ['a', 'b', 'z'], {}, /targets\.2: "z" is no benchmark of the task; .* a, b/],
    ['one twice', ['a', 'b', 'a'], {}, /targets\.2: "a" stands there twice/],
    ['a guard', ['a', 'safe', 'b'], {}, /targets\.1: "safe" is a guard already/],
    ['the final set', ['a', 'b', 'last'], {}, /targets\.2: "last" is read once/],
    ['not all targets', ['a'], {}, /leaves out b/],
    [
      'more alpha than there is',
      [
        { target: 'a', alpha: 0.04 },
        { target: 'b', alpha: 0.011 },
      ],
      {},
      /alpha/,
    ],
    ['no alpha for one', [{ target: 'a', alpha: 0.05 }, 'b'], {}, /leave something for each/],
    ['too many iterations', [{ target: 'a', iterations: 8 }, 'b'], {}, /need 9 iterations at least.* is 8/],
    ['a budget of stages without any', [], { budget: { stage: { tokens: 1 } } }, /budget\.stage/],
  ])('names %s', (_, targets, more, message) => {
    expect(problems(targets, more)).toMatch(message);
  });

  it('lets alpha and iterations be used to the last', () => {
    const all: Given = [
      { target: 'a', alpha: 0.04, iterations: 7 },
      { target: 'b', alpha: 0.01 },
    ];
    expect(problems(all)).toBe('');
    const parts: Given = [
      { target: 'a', alpha: 0.1 },
      { target: 'b', alpha: 0.2 },
    ];
    expect(problems(parts, { promotion: { alpha: 0.3 } })).toBe('');
  });
});

describe('what is trained along', () => {
  const earlier: EarlierExample[] = Array.from({ length: 60 }, (_, i) => ({
    id: i + 1,
    stage: Math.floor(i / 20) + 1,
    easy: i % 5 === 0,
  }));
  const stageOfId = (id: number) => earlier.find((one) => one.id === id)!.stage;
  const along = (stage: number | undefined, replay: number | undefined, rehearsal: number) =>
    chooseAlong(earlier, stage, { replay, rehearsal }, 'seed');

  it('is a replay of everything where there is no curriculum', () => {
    const ids = earlier.map(({ id }) => id);
    expect(along(undefined, 10, 5)).toEqual(chooseReplay(ids, 10, 'seed'));
    expect(along(undefined, undefined, 0)).toEqual(ids);
  });

  it('has as much of every finished target, none of its easy prompts, and of the stage what replay says', () => {
    const chosen = along(3, 8, 5);
    const of = (stage: number) => chosen.filter((id) => stageOfId(id) === stage);
    expect([of(1).length, of(2).length, of(3).length]).toEqual([5, 5, 8]);
    expect([...of(1), ...of(2)].some((id) => earlier[id - 1]!.easy)).toBe(false);
  });

  it('leaves out finished targets where they are not rehearsed, also when the base is trained anew', () => {
    expect(along(2, 100, 0).map(stageOfId)).toEqual(Array.from({ length: 20 }, () => 2));
    expect(along(2, undefined, 0).every((id) => stageOfId(id) === 2)).toBe(true);
    expect(along(2, undefined, 5).length).toBe(20 + 16);
  });
});
