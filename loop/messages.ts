/**
 * What a run can be told: each message once, with its fields, when it is impossible, what it does and how the terminal and the page
 * ask for it. Commands, buttons, the help in the Temporal UI, signals and updates are read off `MESSAGES`. Pure and
 * deterministic, since it runs in workflow code.
 */
import { z } from 'zod';
import type { Control, Message, MessageArgs } from './control.ts';
import { anything, COMMON, idsOf, oneOf, readItems } from './message-fields.ts';
import { budgetSchema } from './policy-input.ts';
import type { RunStatus } from './words.ts';

/** What people give beside a reason: each face has a form of its own for each of these. */
export type Asked = 'when' | 'checkpoint' | 'limits';

/** How the terminal and the page ask for a message. */
type MessageFace = {
  /** The command of `ratchet`, and the last part of the page's path. */
  name: string;
  help: string;
  example: string;
  title: string;
  /** What happens, asked before it does. */
  question: string;
  /** States of a run in which it makes sense: elsewhere there is no button. */
  when: readonly RunStatus[];
  asks?: Asked;
  /** Something is lost. */
  danger?: true;
  key?: string;
  /** To an ended run it means to start again, and it takes no reason. */
  startsAgain?: true;
};

type Definition = {
  /** Shown by the Temporal UI. */
  help: string;
  /** The fields beside `id`, `by` and `reason`. */
  fields?: Record<string, z.ZodType>;
  /** Makes arguments of the fields. @throws RangeError naming what is wrong */
  read?(fields: Record<string, unknown>): MessageArgs;
  /** The field that is meant where only a text or a number was sent. */
  short?: string;
  /** Possible after the last iteration as well. */
  whileFinishing?: true;
  /** Why it is impossible now. */
  refused?(control: Control, args: MessageArgs): string | undefined;
  /** Records it, and answers what will happen. */
  apply(control: Control, message: Message): string;
  face?: MessageFace;
};

const WAITS = 'the run is parked and waits for retryIteration, skipIteration, resetCheckpoint or stop';

const here = (control: Control) => (control.inIteration ? `iteration ${control.iteration}` : 'the run');

const STAGNATION_KINDS = ['plateau', 'decline', 'collapse', 'drift'] as const;
export type StagnationKind = (typeof STAGNATION_KINDS)[number];

const reviews = {
  fields: { item: anything, items: anything, all: anything },
  short: 'item',
  apply(control: Control, { args }: Message) {
    control.reviews += 1;
    return args.done ?? 'decided';
  },
};

const OPEN = ['running', 'paused', 'parked'] as const;

export const MESSAGES = {
  pause: {
    help: 'Pauses the run: pages under way finish, no new one begins. A fine-tuning job goes on. No input.',
    whileFinishing: true,
    refused: ({ parked, paused }) => (parked ? WAITS : paused ? 'the run is paused already' : undefined),
    apply(control) {
      control.paused = true;
      return `${here(control)} pauses once the pages under way are done`;
    },
    face: {
      name: 'pause',
      help: 'let the pages under way finish and begin no new one',
      example: 'pause demo',
      title: 'Pause',
      question: 'Pages under way finish and no new one begins. A fine-tuning job goes on.',
      when: ['running'],
      key: 'p',
    },
  },
  resume: {
    help: 'Lets a paused run go on. No input.',
    whileFinishing: true,
    refused: ({ parked, paused }) => (paused ? undefined : parked ? WAITS : 'the run is not paused'),
    apply(control) {
      control.paused = false;
      return `${here(control)} goes on`;
    },
    face: {
      name: 'resume',
      help: 'go on with a paused run, or with one that failed or was stopped',
      example: 'resume demo',
      title: 'Resume',
      question: 'The run goes on where it stands. What is done is not done again.',
      when: ['paused', 'stopped', 'failed'],
      key: 'p',
      startsAgain: true,
    },
  },
  stop: {
    help: 'Stops the run; starting it again goes on there. Input: none, or {"when": "iteration"} to finish the iteration first.',
    fields: { when: oneOf('when', ['now', 'iteration']) },
    read: ({ when }) => ({ when: (when ?? 'now') as MessageArgs['when'] }),
    whileFinishing: true,
    refused: ({ stop }, { when }) =>
      stop === when || stop === 'now' ? 'the run is being stopped already' : undefined,
    apply(control, { args }) {
      control.stop = args.when ?? 'now';
      return control.stop === 'now'
        ? 'the run stops once the pages under way are done; start it again to go on'
        : `the run stops when ${here(control)} is decided`;
    },
    face: {
      name: 'stop',
      help: 'stop a run once the pages under way are done; `resume` goes on there',
      example: 'stop demo --after-iteration',
      title: 'Stop',
      question: 'The run stops. It can be gone on with later.',
      when: OPEN,
      asks: 'when',
    },
  },
  retryIteration: {
    help: 'Lets a parked run try again what failed; what is done is not redone. No input.',
    refused: ({ parked }) =>
      parked ? undefined : 'nothing has failed: only a parked run can be told to try again',
    apply(control) {
      control.retry = true;
      return `trying again: ${control.parked?.doing ?? here(control)}`;
    },
    face: {
      name: 'retry',
      help: 'let a parked run try again what failed',
      example: 'retry demo',
      title: 'Retry',
      question: 'The run tries again what failed; what is done is not redone.',
      when: ['parked'],
      key: 't',
      startsAgain: true,
    },
  },
  skipIteration: {
    help: 'Gives the running iteration up and begins the next. No input.',
    refused({ inIteration, iteration, skip }) {
      if (!inIteration) return 'no iteration is under way';
      return skip?.iteration === iteration ? 'the iteration is being skipped already' : undefined;
    },
    apply(control, message) {
      control.skip = { iteration: control.iteration, message };
      return `iteration ${control.iteration} is given up, unless it is being decided this moment`;
    },
    face: {
      name: 'skip',
      help: 'give the running iteration up and begin the next',
      example: 'skip demo',
      title: 'Skip iteration',
      question:
        'The running iteration is given up and the next one begins. Its samples stay stored; nothing is trained on them.',
      when: OPEN,
      danger: true,
    },
  },
  resetCheckpoint: {
    help: 'Gives the running iteration up and goes on from a checkpoint. Input: {"to": "base"}, {"to": "best"} (highest on target) or {"to": 12}, a checkpoint id.',
    fields: { to: anything },
    short: 'to',
    read({ to }) {
      if (to === 'base' || to === 'best') return { to };
      const [id] = idsOf([to]);
      if (id === undefined) throw new RangeError('"to" must be "base", "best" or the id of a checkpoint');
      return { to: id };
    },
    apply(control, message) {
      const { checkpointId } = message.args;
      control.reset = { checkpointId: checkpointId!, message };
      return (
        (control.inIteration ? `iteration ${control.iteration} is given up; ` : '') +
        `the run goes on from checkpoint ${checkpointId}`
      );
    },
    face: {
      name: 'reset',
      help: 'give the running iteration up and go on from a checkpoint',
      example: 'reset demo --to best',
      title: 'Reset',
      question:
        'The running iteration is given up, its training job cancelled, and the run goes on from a checkpoint.',
      when: OPEN,
      asks: 'checkpoint',
      danger: true,
    },
  },
  stagnation: {
    help: 'Says that the run makes no headway; its policy takes the next step. Input: {"kind": "plateau" | "decline" | "collapse" | "drift", "reason": "…"}.',
    fields: { kind: oneOf('kind', STAGNATION_KINDS) },
    short: 'kind',
    read: ({ kind }) => ({ kind: (kind ?? 'plateau') as StagnationKind }),
    apply(control, message) {
      control.stagnations.push(message);
      return `the policy is asked for its next step after ${here(control)}`;
    },
  },
  approveReview: {
    help: 'Accepts items that wait for review. Input: {"item": 12} or {"items": [12, 13]}; none or {"all": true}: all that are left, unseen.',
    ...reviews,
    read: (fields) => readItems(fields, true),
  },
  rejectReview: {
    help: 'Rejects items that wait for review: they are not trained on. Input: {"item": 12}, {"items": [12, 13]}, or {"all": true}: all that are left, unseen.',
    ...reviews,
    // Throwing everything away takes a word.
    read: (fields) => readItems(fields, false),
  },
  setBudget: {
    help: 'Replaces limits. Input: {"run": {"tokens": 1000000}, "iteration": {"minutes": 60}}.',
    fields: { run: anything, iteration: anything },
    read({ run, iteration }) {
      const given = Object.fromEntries(
        Object.entries({ run, iteration }).filter(([, limits]) => limits !== undefined),
      );
      const parsed = budgetSchema.partial().safeParse(given);
      if (!parsed.success)
        throw new RangeError(
          parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
        );
      if (Object.keys(given).length === 0) throw new RangeError('give "run" or "iteration" with limits');
      // Only what was sent: a scope that was left out keeps its limits.
      return Object.fromEntries(Object.keys(given).map((scope) => [scope, parsed.data[scope as 'run']]));
    },
    apply: () => 'the limits hold from the next page on',
    face: {
      name: 'budget',
      help: 'replace limits of a run',
      example: 'budget demo --tokens 5000000 --minutes 600',
      title: 'Budget',
      question: 'Replaces limits from the next page on. A field left empty keeps what holds now.',
      when: OPEN,
      asks: 'limits',
    },
  },
} as const satisfies Record<string, Definition>;

export type MessageName = keyof typeof MESSAGES;
export const MESSAGE_NAMES = Object.keys(MESSAGES) as MessageName[];

export const definitionOf = (name: MessageName): Definition => MESSAGES[name];

/** The messages that people send by a command or a button. */
export const STEERING = MESSAGE_NAMES.flatMap((message) => {
  const { face } = definitionOf(message);
  return face ? [{ ...face, message }] : [];
});

/** Brings what a UI, a command or code sent into the one form. @throws RangeError naming what is wrong */
export function readArgs(name: MessageName, input: unknown): MessageArgs {
  const { short } = definitionOf(name);
  try {
    if (input === undefined || input === null || input === '') return readFields(name, {});
    if (short !== undefined && (typeof input === 'string' || typeof input === 'number'))
      return readFields(name, { [short]: input });
    if (typeof input !== 'object' || Array.isArray(input))
      throw new RangeError('the input must be a JSON object');
    return readFields(name, input as Record<string, unknown>);
  } catch (error) {
    throw error instanceof RangeError ? new RangeError(`${name}: ${error.message}`) : error;
  }
}

function readFields(name: MessageName, given: Record<string, unknown>): MessageArgs {
  const { fields = {}, read } = definitionOf(name);
  const known: Record<string, z.ZodType> = { ...COMMON, ...fields };
  // A misspelt field must not be left out in silence: {"When": "iteration"} would stop the run now.
  const unknown = Object.keys(given).find((field) => !Object.hasOwn(known, field));
  if (unknown !== undefined)
    throw new RangeError(
      `there is no field ${JSON.stringify(unknown.slice(0, 40))}, only ${Object.keys(known).join(', ')}`,
    );
  const parsed = z.object(known).safeParse(given);
  if (!parsed.success) throw new RangeError(parsed.error.issues[0]!.message);
  const { id, by, reason, ...own } = parsed.data;
  const common = Object.fromEntries(
    Object.entries({ id, by, reason }).filter(([, value]) => value !== undefined),
  );
  return { ...common, ...read?.(own) };
}
