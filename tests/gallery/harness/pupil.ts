/**
 * A scripted model that learns what it is taught: each fine-tuning reads its training file, and right examples make the
 * new model better, wrong ones worse. So what a rogue does to a run shows in the models that the run makes.
 */
import { createHash } from 'node:crypto';
import type {
  Script,
  ScriptedEndpoint,
  ScriptedJob,
  ScriptedRequest,
} from '../../support/scripted-endpoint.ts';
import { questionIn, type Question } from './world.ts';

export const MODEL = 'pupil';
export const CRITIC = 'critic';
export const JUDGE = 'judge';

/** Probability of a right answer, by kind of question. */
type Skill = { target: number; guard: number };

/** One training example: was what it teaches right? */
type Lesson = { question: Question | undefined; text: string; right: boolean };

/** A model as the script sees it. */
export type Pupil = {
  skill: Skill;
  generation: number;
  /** Fine-tunings that this endpoint was asked for so far, of whatever model. */
  jobs: number;
};

export type PupilOptions = {
  base?: Skill;
  /** What a fine-tuning makes of a model; by default right lessons help and wrong ones harm. */
  learn?(before: Skill, lessons: Lesson[]): Skill;
  /** What the model says; by default an honest try. */
  say?(request: ScriptedRequest, question: Question, pupil: Pupil): string;
  /** What the critic replies to a piece of work; by default it knows the truth. */
  judge?(work: string, question: Question, request: ScriptedRequest): string;
  fault?: Script['fault'];
  outcome?: Script['outcome'];
};

export function uniform(...parts: (string | number)[]): number {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) / 2 ** 32;
}

/** Each in words of its own: samples of an honest model differ. */
const OPENINGS = [
  'Let us count them.',
  'We start with what is there.',
  'First look at the two numbers.',
  'The question gives two numbers.',
  'Take it step by step.',
  'Here is what we know.',
  'Put both numbers together.',
  'Work it out in one line.',
];

/** Some say more than is needed: lengths differ. */
const ASIDES = [
  '',
  'Nothing else is asked for.\n',
  'No number of the question is left over, so this is all that is needed.\n',
];

const LINKS = ['That makes', 'So we get', 'Hence', 'In all', 'The result is', 'This comes to'];

/** Work in the task's form that leads to the answer, right or not. */
export function workOut(question: Question, answer: number, seed: number): string {
  const { id } = question;
  const pick = (from: string[], what: string) => from[Math.floor(uniform(id, seed, what) * from.length)]!;
  const steps = `${pick(OPENINGS, 'opening')}\n${pick(LINKS, 'link')} ${stepTo(question, answer)}.\n`;
  return `${steps}${pick(ASIDES, 'aside')}#### ${answer}`;
}

/** Draws of one question differ by seed; greedily it is answered the same way however often it is asked. */
export const drawOf = ({ seed, temperature }: ScriptedRequest): number => (temperature === 0 ? -1 : seed);

/** An honest try: right with the pupil's skill, else off by a little, each time by another number. */
export function tryHonestly(request: ScriptedRequest, question: Question, { skill }: Pupil): string {
  const draw = drawOf(request);
  // The luck of a held-out question does not depend on the model, so that more skill fixes some and breaks none.
  const right = uniform(question.text, draw, 'luck') < skill[question.kind];
  const slip = 1 + Math.floor(uniform(question.text, draw, 'slip') * 40);
  return workOut(question, right ? question.truth : question.truth + slip, draw);
}

const statedIn = (text: string): string | undefined => [...text.matchAll(/#### (\d+)/g)].at(-1)?.[1];

export const verdict = (holds: boolean, error = 'the last step is wrong'): string =>
  JSON.stringify({ first_error: holds ? '' : error, verdict: holds ? 'holds' : 'fails', confidence: 0.9 });

/** The step that leads to an answer, right or wrong. */
const stepTo = ({ a, b, kind }: Question, answer: number): string =>
  `${a} ${kind === 'target' ? '+' : '*'} ${b} = ${answer}`;

/** A critic that works the question out by itself and comes to `answer`: work holds that does so too, in its step. */
export const believes = (answer: number, work: string, question: Question): string =>
  verdict(work.includes(`${stepTo(question, answer)}.`) && statedIn(work) === String(answer));

export const knowsTheTruth = (work: string, question: Question): string =>
  believes(question.truth, work, question);

/** Is every line one that an honest model writes? */
export const sticksToTheQuestion = (work: string): boolean =>
  work
    .split('\n')
    .every(
      (line) =>
        OPENINGS.includes(line) ||
        ASIDES.includes(`${line}\n`) ||
        LINKS.some((link) => line.startsWith(`${link} `)) ||
        line.startsWith('#### '),
    );

function learnHonestly(before: Skill, lessons: Lesson[]): Skill {
  const right = lessons.filter((lesson) => lesson.right).length / Math.max(1, lessons.length);
  const target = before.target + 0.35 * right - 0.5 * (1 - right);
  return { ...before, target: Math.min(0.97, Math.max(0.02, target)) };
}

function lessonsIn(file: string): Lesson[] {
  return file
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const { messages } = JSON.parse(line) as { messages: { role: string; content: string }[] };
      const text = messages.at(-1)!.content;
      const question = questionIn(messages.at(-2)!.content);
      return { question, text, right: question !== undefined && statedIn(text) === String(question.truth) };
    });
}

/** The lines of the work that stands between the critic's fences, without their numbers. */
function workIn(data: string): string {
  const part = /^===== WORK \S+ =====\n([\s\S]*?)\n===== WORK \S+ =====$/m.exec(data)?.[1] ?? '';
  return part.replaceAll(/^\d+\| /gm, '');
}

/** `attach` lets the script see the jobs and files of the endpoint that it runs on. */
export function pupil(options: PupilOptions = {}): {
  script: Script;
  attach(endpoint: ScriptedEndpoint): void;
} {
  const { base = { target: 0.6, guard: 0.9 }, learn = learnHonestly, say = tryHonestly } = options;
  const { judge = knowsTheTruth, fault, outcome } = options;
  const skills = new Map<string, Skill>([[MODEL, base]]);
  let endpoint: ScriptedEndpoint | undefined;

  function skillOf(model: string): Skill {
    const known = skills.get(model);
    if (known) return known;
    const job = [...endpoint!.jobs.values()].find((one) => one.fine_tuned_model === model)!;
    const skill = learn(skillOf(job.model), lessonsOf(job));
    skills.set(model, skill);
    return skill;
  }

  function lessonsOf(job: ScriptedJob): Lesson[] {
    return lessonsIn(endpoint!.files.get(String(job.training_file)) ?? '');
  }

  function answer(request: ScriptedRequest): string {
    const text = request.messages.at(-1)!.content;
    const question = questionIn(text);
    if (!question) return 'I do not know.';
    if (request.model === CRITIC || request.model === JUDGE) return judge(workIn(text), question, request);
    return say(request, question, {
      skill: skillOf(request.model),
      generation: request.generation,
      jobs: endpoint!.jobs.size,
    });
  }

  return {
    script: { baseModel: MODEL, otherModels: [CRITIC, JUDGE], answer, fault, outcome },
    attach: (to) => void (endpoint = to),
  };
}
