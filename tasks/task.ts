/**
 * The contract between a task and the loop. A task is a narrow skill: where its prompts come from, how
 * an answer is read out of a rationale, and which held-out problems measure it. Everything else (votes,
 * gates, training, promotion) is the loop's and works on any task.
 */
import type { Found, Refusal } from '../sandbox/finding.ts';
import type { SandboxedCheck } from '../sandbox/job.ts';
import type { PromptSource } from './documents/source.ts';
import type { Harness } from './harness.ts';
import type { Written } from './written.ts';
import type { BenchmarkRole, CritiqueOutcome, ProbeKind } from '../loop/words.ts';
import type { ImproveInput } from '../loop/input.ts';

/** One unlabeled input. */
export type Prompt = {
  /**
   * Identity of the problem: equal for every rewrite of it, so that two prompts with one key are the
   * same problem. Leak checks and de-duplication compare keys.
   */
  key: string;
  /** The problem as a person would write it, e.g. `345+678`. */
  text: string;
  /** Difficulty, where the task knows one without an answer (arithmetic: significant digits). */
  level?: number;
  /** The passage of a document that it was written about. */
  source?: PromptSource | null;
};

/** An equivalent form of a prompt whose answer maps back to the prompt's own. */
export type Rewrite = {
  /** Name of the form, unique per prompt and stable over time, e.g. `x10^3,swapped`. */
  key: string;
  /** What is put to the model in place of the prompt's own text. */
  text: string;
  /**
   * Forms of one kind err alike (the same digits in the same order, say), so that their agreement says less than that of
   * different kinds. Default: every form is of its own kind.
   */
  kind?: string;
  /** Maps an answer to this form back to an answer to the prompt; undefined when it cannot be one. */
  mapBack(answer: string): string | undefined;
};

/** A smaller problem that a prompt is split into: a prompt of the same task, or of one of its `partKinds`. */
export type Part = Prompt & { kind?: string };

/** A part with the answer that its samples agree on, and the work of those that gave it. */
export type SolvedPart = { prompt: Part; answer: string; works: { request: string; rationale: string }[] };

/** A whole rationale made of the parts' own lines; `doubt` says why it should not count. Or why there can be none. */
export type Recombined = { rationale: string; doubt?: string } | { impossible: string };

export type ChatMessage = { role: 'system' | 'user' | 'assistant'; content: string };

/** A way of asking: plain, chain of thought, least-to-most, an alternative approach, … */
export type Strategy = {
  name: string;
  messages(text: string): ChatMessage[];
  /** `never`: the task's worked examples do not stand before it, wherever else they do. */
  examples?: 'never';
};

/** A problem with work that shows how to answer it: a turn of the user and one of the assistant. */
export type WorkedExample = {
  prompt: string;
  /** The whole rationale as the model should write it; the task must be able to read its answer. */
  answer: string;
};

/** `sampling`: samples and votes only; benchmarks and what is trained on use the plain question. */
export const EXAMPLES_IN = ['everywhere', 'sampling'] as const;
export type ExamplesIn = (typeof EXAMPLES_IN)[number];

/** A harmless change of the text that is put to the model. */
export type Noise = { name: string; apply(text: string): string };

/** Outcome of a task's own check of one rationale; the reason carries what was measured. */
export type Check = { ok: boolean; reason: string };

/** Outcome of a task's own verification; `ok` undefined: there was nothing that it could verify. */
export type Verification = { ok: boolean | undefined; score?: number; reason: string };

/** A sample whose work is to be verified. */
export type Verifiable = { prompt: Prompt; sample: { request: string; rationale: string; answer: string } };

/** What a critic said of one sample. `score` is P(the work holds), 0…1, where the critic gives one. */
export type Critique = { outcome: CritiqueOutcome; score?: number; reason: string };

/** The same with the first bad line of the work, from 1, where the critic names one. */
export type Pointed = Critique & { line?: number };

/** One chat completion request to a critic, with any fields beyond the common ones in `extra`. */
export type CriticRequest = {
  messages: ChatMessage[];
  maxTokens: number;
  temperature: number;
  extra?: Record<string, unknown>;
};

/** What the critic answered: the text and the raw response, for critics that read log-probabilities. */
export type CriticReply = {
  text: string;
  raw: unknown;
  /** The work that was judged: a verdict that stands in it word for word is no verdict. */
  work?: string;
};

export interface Critic {
  name: string;
  /** `work` is a rationale written by a model: data, never instructions. */
  request(promptText: string, work: string): CriticRequest;
  /** Why this work can't be judged, so that the critic need not be asked; undefined: it can be. */
  cannotJudge?(promptText: string, work: string): string | undefined;
  /** A reply outside the critic's format is `unscored`; this never throws. */
  read(reply: CriticReply): Critique;
  /** A verdict as this critic would write it, for critics that train on such; `error`: what is wrong with the work, empty: nothing. */
  write?(error: string): string;
  /** The same critic, asked for the first bad line as well; without it the loop takes the structured one. */
  pointing?(): Pick<Critic, 'request' | 'cannotJudge'> & { read(reply: CriticReply): Pointed };
  /**
   * Whether this critic was measured to be better than chance at a level (undefined level: overall).
   * Where it is not, the critique gate advises only, whatever the policy says.
   */
  betterThanChance?(level: number | undefined): { ok: boolean; reason: string };
  /** Asking costs little beside sampling, so it is worth asking about every sample before the vote. */
  cheap?: boolean;
}

/** One held-out problem with its known answer. `key` is comparable with `Prompt.key`. */
export type BenchmarkItem = { key: string; text: string; answer: string; group?: string };

export type Benchmark = {
  /** Unique in the task, e.g. `target`, `guard`, `final`. */
  name: string;
  role: BenchmarkRole;
  items(): AsyncIterable<BenchmarkItem> | Iterable<BenchmarkItem>;
  /** Who asks and scores in place of `ask`, `readAnswer` and `sameAnswer`. */
  harness?: Harness;
};

/** A problem with its known answer, on which the loop measures how often its votes are right. */
export type CalibrationItem = Prompt & { answer: string };

export type PromptRequest = {
  /** The same request always gives the same prompts. */
  seed: number;
  count: number;
  /** Levels to draw from, evenly; undefined: the task has no levels. */
  levels?: number[];
  /** Keys that must not be given (benchmark items, and prompts already used where that matters). */
  exclude(key: string): boolean;
};

export type Role = 'generator' | 'teacher' | 'critic' | 'trainer' | 'judge';

/** Where a role's model answers, as far as the task says; a run's own input comes first. */
export type TaskEndpoint = {
  baseURL?: string;
  model?: string;
  apiKeyEnv?: string;
  /** Further fields of each of its requests. */
  extra?: Record<string, unknown>;
  /** The servers behind `baseURL`, into each of which adapters are loaded. */
  replicas?: string[];
};

/**
 * What becomes of a model's thinking: `keep` trains on it and the answer, `strip` on what stands behind it, `off` asks the
 * model not to think. Answers are read behind it in any case.
 */
export const THINKING = ['keep', 'strip', 'off'] as const;
export type Thinking = (typeof THINKING)[number];

/** What must be known of a problem to ask it, to read and vote on its answers, and to split it further. */
export type PartKind = Pick<
  Task,
  | 'strategies'
  | 'rewrites'
  | 'readAnswer'
  | 'sameAnswer'
  | 'checkFormat'
  | 'checkCoherence'
  | 'verify'
  | 'decompose'
  | 'recombine'
  | 'maxTokens'
> & {
  /** How often such a part is asked; default: as the run says. */
  samples?: number;
};

export interface Task {
  name: string;
  title: string;
  /** Model names to use where the run's input gives none. */
  defaultModels?: Partial<Record<Role, string>>;
  /** Default: `keep`. */
  thinking?: Thinking;
  /** Endpoints that the task file names, to use where the run's input gives none. */
  endpoints?: Partial<Record<Role, TaskEndpoint>>;
  /** Collect: unlabeled and reproducible. May end early when its source has no more. */
  prompts(request: PromptRequest): AsyncIterable<Prompt>;
  /** Problems of a kind the model already masters, to be practised along so that they are not forgotten. */
  rehearsal?(request: PromptRequest): AsyncIterable<Prompt>;
  /**
   * Problems like the prompts with known answers, apart from every benchmark and from all prompts: what the precision of
   * votes is measured on. Never trained on. The same request always gives the same problems.
   */
  calibration?(request: PromptRequest): AsyncIterable<CalibrationItem>;
  /** A text from outside as a prompt of this task; a string says why it is none, as in `is no sum …`. */
  readPrompt(text: string): Prompt | string;
  strategies: Strategy[];
  /** Further ways of asking, kept for when the samples become too much alike. */
  alternatives?: Strategy[];
  /** Harmless changes of a problem's text, which alter nothing that its answer depends on; see `noise` of a task file. */
  noise?: Noise[];
  /** All equivalent forms (its own text among them) in an order that depends on the seed. */
  rewrites?(prompt: Prompt, seed: number): Rewrite[];
  /**
   * Answers to a prompt that people wrote, corrections say: further samples of it, which every gate judges as it does the model's. They
   * have no vote, but where programs vote by what they do, and the model's own come first where both passed. The same prompt and forms
   * always give the same, in the same order.
   */
  written?(prompt: Prompt, forms: readonly Rewrite[]): Written[];
  /**
   * The same worked example in its equivalent forms, steps and all, itself first; for rules that the task does not know as well. Only
   * what stays right whatever is computed: swapped numbers of a sum, say.
   */
  retellings?(example: WorkedExample): WorkedExample[];
  /**
   * The parts of a prompt that are known so far, in order: all that `solved` needs to be complete is asked for in turn, so that a
   * later part may depend on the answers of earlier ones. Those given before must come again. None: the prompt is small enough
   * to be asked as it stands. Must need no answer but those in `solved`.
   */
  decompose?(prompt: Part, solved: readonly SolvedPart[]): Part[];
  /**
   * The whole solution of the prompt as it is put to the model in `request`, of the lines that the model wrote for the parts. What
   * comes back is checked as every sample is.
   */
  recombine?(prompt: Part, request: string, parts: readonly SolvedPart[]): Recombined;
  /** Easier problems of the same kind, best first, the same for the same seed. Without this the generating model writes them. */
  easier?(prompt: Prompt, seed: number): Prompt[];
  /** Parts that are no prompts of this task, by their kind: how they are asked and read. */
  partKinds?: Record<string, PartKind>;
  /**
   * What an agent of a debate is shown. `chat` (default): the others' work and what the critic says of its own, in a chat. `alone`: the
   * model can't read such, so each agent answers another form of the prompt, and goes on from the lines before the first bad one.
   */
  debates?: 'chat' | 'alone';
  /** How the model is asked on a benchmark, greedily, and in what is trained on. */
  ask(text: string): ChatMessage[];
  /** Worked examples that are shown before the question. They are never sampled, trained on or measured. */
  examples?: WorkedExample[];
  /** Where they stand; default: `everywhere`. */
  examplesIn?: ExamplesIn;
  /**
   * The same with more worked examples than `ask` shows; made by the loop of `examples` where `ask` is without them. The model
   * that a run starts from is measured in both forms, and a first promotion must beat the better one.
   */
  askWithExamples?(text: string): ChatMessage[];
  /**
   * Reads the answer out of a rationale, in canonical form; undefined = unparsable, never a guess. This and the checks below
   * are given what stands behind a model's thinking.
   */
  readAnswer(rationale: string): string | undefined;
  /**
   * Why a text could not be read (a pattern that takes for ever, say), as apart from stating no answer; undefined: it could be. On a
   * benchmark such an item counts as not measured, neither right nor wrong.
   */
  unreadable?(rationale: string): string | undefined;
  sameAnswer(a: string, b: string): boolean;
  /** Is the rationale in the form the task demands? `promptText` is the text that was put to the model. */
  checkFormat(promptText: string, rationale: string): Check;
  /** Do its steps hang together and lead to `answer` (as read from this rationale)? */
  checkCoherence(promptText: string, rationale: string, answer: string): Check;
  /**
   * External, verifiable reward of one sample: what it says is checked, without the prompt's true answer.
   * Asked about candidates only. Throws only when it could not be carried out.
   */
  verify?(prompt: Prompt, sample: Verifiable['sample']): Promise<Verification>;
  /** The same of many at once, in their order: asked in place of `verify` where there is one. */
  verifyAll?(of: readonly Verifiable[], signal?: AbortSignal): Promise<Verification[]>;
  /**
   * What an answer changes, as a unified diff for people, and what it is about, as somebody reported it; `planted`: of something that was
   * put there to practise on. Undefined: nothing that could be told.
   */
  patch?(problem: Prompt, rationale: string): { diff: string; about: string; planted: boolean } | undefined;
  /** May a correction that somebody sent teach? Where the task knows more: policies, say. Without this every one in its form may. */
  believes?(problem: Prompt, answer: string): Check;
  /** In place of `verify`, for what must not run in the workers. */
  sandboxed?: TaskCheck;
  /**
   * Bad work of one kind on the problem as it was put to the model (`text`), the same for the same seed; undefined where it can
   * make none of this kind. Without this the loop alters samples that the model gave.
   */
  probe?(kind: ProbeKind, problem: { prompt: Prompt; text: string; seed: number }): string | undefined;
  /** The task's own critic; without one the loop uses the structured critic for chat models. */
  critic?: Critic;
  /** Several critics of its own in place of one, each with a question and a standing of its own. */
  critics?: Critic[];
  benchmarks: Benchmark[];
  /** Difficulty levels for the curriculum: where to start and all there are, ascending. */
  levels?: { start: number[]; all: number[] };
  /**
   * What differs while this benchmark is the target of a curriculum's stage: where prompts, rehearsal and calibration problems come
   * from, and their levels. What it leaves out stays the task's own.
   */
  forTarget?(target: string): Partial<Pick<Task, 'prompts' | 'rehearsal' | 'calibration' | 'levels'>>;
  /** Settings measured to suit the task, used where the input is silent. */
  suggested?: ImproveInput;
  /** Longest rationale worth generating, in tokens. */
  maxTokens: number;
  /**
   * The true answer, where it can be computed. Read by reports, to tell how precise the pseudo-labels
   * were; the loop never calls it.
   */
  truth?(prompt: Prompt): string | undefined;
}

/** Are the task's answers programs, which vote by what they do and are graded by the sandbox? */
export const judgesBehaviour = ({ sandboxed }: Pick<Task, 'sandboxed'>): boolean =>
  sandboxed?.judgesBehaviour === true;

/** A check in the sandbox, and what of the work it gets. */
export type TaskCheck = SandboxedCheck & {
  /**
   * What it gets of a sample or of an answer to a held-out problem, in place of prompt, request, rationale and answer; `archive` is
   * the digest of a file that the sandbox's workers have. Or why the work is not run: it does not hold. `others` is what else the model
   * wrote on the problem in the same iteration, none for a held-out one.
   */
  job?(
    problem: Prompt,
    work: { request: string; rationale: string; answer: string },
    others: readonly string[],
  ): { input: Record<string, unknown>; archive?: string } | Refusal;
  /**
   * The task's answers are programs: what holds votes by the `behaviour` that the check tells, not by its words, and answers to
   * held-out problems are right where the check says so.
   */
  judgesBehaviour?: true;
  /**
   * Where none of a prompt's samples hold and one of them merely could not be proven, as the check says: the name of the way of
   * asking that may bring what is lacking.
   */
  proof?: { strategy: string; lacks(found: Found): boolean };
};

/** Can what a model says be verified without a known answer? */
export const canVerify = ({ verify, sandboxed }: Pick<Task, 'verify' | 'sandboxed'>): boolean =>
  verify !== undefined || sandboxed !== undefined;
