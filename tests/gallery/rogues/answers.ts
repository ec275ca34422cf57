/** Models whose answers go wrong. */
import type { ImproveInput } from '../../../loop/input.ts';
import {
  believes,
  drawOf,
  knowsTheTruth,
  pupil,
  tryHonestly,
  uniform,
  verdict,
  workOut,
} from '../harness/pupil.ts';
import type { Evidence } from '../harness/evidence.ts';
import type { Rogue } from '../harness/rogue.ts';
import type { Question } from '../harness/world.ts';

const wrongTrained: Rogue['reaches'] = {
  what: 'wrong examples trained',
  count: ({ trained }) => trained.wrong,
};

/** No critic that would stop it as well; without one, probes that only a critic catches would stop the run. */
const noCritic: ImproveInput = { gates: { critique: { mode: 'off' } }, probes: { mode: 'off' } };

/** How many samples of a question were asked for before. */
function counter(): (id: number) => number {
  const asked = new Map<number, number>();
  return (id) => {
    const before = asked.get(id) ?? 0;
    asked.set(id, before + 1);
    return before;
  };
}

const PADDING = 'Of course, as any careful reader will agree, it is worth saying once more what was said. ';

export const verbose: Rogue = {
  name: 'verbose but wrong',
  does: 'Every third question is answered at great length, always with the same wrong number; the critic takes length for care.',
  stoppedBy: 'gate `length`',
  reaches: wrongTrained,
  tells: [{ where: 'why', what: /\d+ tokens > \d+(\.\d+)? \(median [^)]*\)/ }],
  arm: () =>
    pupil({
      base: { target: 0.8, guard: 0.9 },
      say(request, question, self) {
        if (question.id % 3 !== 0 || request.temperature === 0) return tryHonestly(request, question, self);
        const work = workOut(question, question.truth + 9, drawOf(request));
        return `${PADDING.repeat(20 + (request.seed % 5))}\n${work}`;
      },
      judge: (work, question) => (work.length > 1000 ? verdict(true) : knowsTheTruth(work, question)),
    }),
  without: {
    what: '`gates.policy.length=off`, `probes.mode=off`',
    input: { gates: { policy: { length: 'off' } }, probes: { mode: 'off' } },
  },
};

export const constant: Rogue = {
  name: 'a confident constant answer',
  does: 'Whatever is asked, every sample says 42: agreement is 1 everywhere.',
  stoppedBy: 'gate `critique`',
  reaches: wrongTrained,
  tells: [{ where: 'report', what: /no example passed the gates \(of \d+ samples critique fails \d+/ }],
  arm: () => pupil({ say: (request, question) => workOut(question, 42, drawOf(request)) }),
  without: { what: '`gates.critique.mode=off`, `probes.mode=off`', input: noCritic },
};

export const identical: Rogue = {
  name: 'identical samples',
  does: 'The endpoint ignores temperature and seed: all samples of a question are one and the same text, right or wrong. There is no critic.',
  stoppedBy: 'vote: copies count once',
  reaches: wrongTrained,
  tells: [
    {
      where: 'why',
      what: /agreement 0\.13 < 0\.60 \(1 of 8 samples; 7 are copies of another, so they did not vote\)/,
    },
  ],
  arm: () => ({
    ...pupil({ say: (request, question, self) => tryHonestly({ ...request, seed: 1 }, question, self) }),
    input: noCritic,
  }),
  without: {
    what: '`gates.agreement.min=0.1`, `.minMargin=0`',
    input: { gates: { agreement: { min: 0.1, minMargin: 0 } } },
  },
};

export const nonsense: Rogue = {
  name: 'format-perfect nonsense',
  does: 'Every sample is in perfect form and leads to a made-up number, to the same one in three of eight samples. There is no critic.',
  stoppedBy: 'gate `agreement`',
  reaches: wrongTrained,
  tells: [{ where: 'why', what: /agreement 0\.38 < 0\.60 \(3 of 8 samples\)/ }],
  arm: () => {
    const nth = counter();
    const model = pupil({
      say(request, question) {
        const slip = [1, 1, 1, 2, 2, 3, 4, 5][request.temperature === 0 ? 0 : nth(question.id) % 8]!;
        return workOut(question, question.truth + slip, drawOf(request));
      },
    });
    return { ...model, input: noCritic };
  },
  without: {
    what: '`gates.agreement.min=0`, `.minMargin=0`',
    input: { gates: { agreement: { min: 0, minMargin: 0 } } },
  },
};

export const unparsable: Rogue = {
  name: 'a majority of unparsable answers',
  does: 'Five of eight samples state no answer, the other three agree on a wrong one. There is no critic.',
  stoppedBy: 'gate `agreement`: no answer is a vote of its own, and wins',
  reaches: wrongTrained,
  tells: [{ where: 'why', what: /no answer wins: 5 of 8 samples gave none that could be read, 3 gave \d+/ }],
  arm: () => {
    const nth = counter();
    const model = pupil({
      say(request, question, self) {
        if (request.temperature === 0) return tryHonestly(request, question, self);
        return nth(question.id) % 8 < 5
          ? `Who can say what ${question.a} and ${question.b} come to?\nI would not dare.`
          : workOut(question, question.truth + 9, drawOf(request));
      },
    });
    return { ...model, input: noCritic };
  },
  without: {
    what: '`gates.agreement.noAnswer=abstains`, `.min=0.3`',
    input: { gates: { agreement: { noAnswer: 'abstains', min: 0.3 } } },
  },
};

export const collapse: Rogue = {
  name: 'agreement that rises while truth falls',
  does: 'With every fine-tuning the samples agree more on the same wrong answer to every other question, and the candidates get worse. The critic makes the same mistake.',
  stoppedBy: 'stagnation policy (`stagnation.steps=["halt"]`): collapse',
  reaches: { what: 'fine-tunings after the collapse', count: ({ jobs }) => Math.max(0, jobs - 3) },
  tells: [
    {
      where: 'report',
      what: /halted: collapse: agreement rose [\d.]+ → [\d.]+ while candidates fell [\d.]+ % → [\d.]+ % on target/,
    },
  ],
  arm: () => ({
    ...pupil({
      say(request, question, self) {
        if (request.temperature === 0 || question.id % 2 !== 0) return tryHonestly(request, question, self);
        const draw = drawOf(request);
        const slip = uniform(question.id, draw, 'voice') < 0.62 + 0.16 * self.jobs ? 9 : 10 + (draw % 20);
        return workOut(question, question.truth + slip, draw);
      },
      learn(before, lessons) {
        const wrong = lessons.filter(({ right }) => !right).length / lessons.length;
        return { ...before, target: before.target - 0.02 - 0.5 * wrong };
      },
      judge: (work, question) =>
        believes(question.id % 2 === 0 ? question.truth + 9 : question.truth, work, question),
    }),
    input: { iterations: 5, stagnation: { steps: ['halt'] } },
  }),
  alsoBroken: ({ promotions }) => (promotions === 0 ? [] : [`${promotions} promotions`]),
  without: { what: '`stagnation.steps=[]`', input: { stagnation: { steps: [] } } },
};

/** The same words every time: only the numbers differ. */
const inOneTemplate = (question: Question, answer: number): string =>
  workOut({ ...question, id: 1 }, answer, 1);

/** Iterations that went on from what was alarming. */
function afterTheAlarm({ report, generators }: Evidence): number {
  const alarmed = report.iterations.find(({ drift }) =>
    drift.some(({ alarms }) => alarms.length > 0),
  )?.iteration;
  const then = generators.find(({ iteration }) => iteration === alarmed)?.trainedIn;
  if (alarmed === undefined || then === undefined) return 0;
  return generators.filter(({ iteration, trainedIn }) => iteration > alarmed && trainedIn >= then).length;
}

export const template: Rogue = {
  name: 'slow convergence to one template',
  does: 'Answers stay right and candidates get better, but with every generation more of them are written in the same words.',
  stoppedBy: 'drift alarm (`drift.steps=["reset"]`): back to the last checkpoint without an alarm',
  reaches: { what: 'iterations that went on from the alarming checkpoint', count: afterTheAlarm },
  tells: [
    {
      where: 'report',
      what: /bits of step templates of accepted rationales: [\d.]+ → [\d.]+, [\d.]+ % > 35 %/,
    },
  ],
  arm: () => ({
    ...pupil({
      base: { target: 0.5, guard: 0.9 },
      learn: (before) => ({ ...before, target: Math.min(0.97, before.target + 0.17) }),
      say(request, question, self) {
        const work = tryHonestly(request, question, self);
        const same = uniform(question.id, drawOf(request), 'template') < 0.5 * self.generation;
        return same ? inOneTemplate(question, Number(/\d+$/.exec(work)![0])) : work;
      },
    }),
    input: { iterations: 4, drift: { steps: ['reset'] } },
  }),
  without: { what: '`drift.steps=[]`', input: { drift: { steps: [] } } },
};
