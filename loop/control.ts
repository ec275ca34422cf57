/**
 * What operators, and the loop itself, may tell a run: one reducer for signals and updates. It only records;
 * the run acts on what is recorded at its next safe point. Pure and deterministic, since it runs in workflow code.
 */
import { budgetSchema } from './policy-input.ts';
import type { z } from 'zod';

export const MESSAGES = {
  pause: 'Pauses the run: pages under way finish, no new one begins. A fine-tuning job goes on. No input.',
  resume: 'Lets a paused run go on. No input.',
  stop: 'Stops the run; starting it again goes on there. Input: none, or {"when": "iteration"} to finish the iteration first.',
  retryIteration: 'Lets a parked run try again what failed; what is done is not redone. No input.',
  skipIteration: 'Gives the running iteration up and begins the next. No input.',
  resetCheckpoint:
    'Gives the running iteration up and goes on from a checkpoint. Input: {"to": "base"}, {"to": "best"} (highest on target) or {"to": 12}, a checkpoint id.',
  stagnation:
    'Says that the run makes no headway; its policy takes the next step. Input: {"kind": "plateau" | "decline" | "collapse" | "drift", "reason": "…"}.',
  approveReview:
    'Accepts items that wait for review. Input: {"item": 12} or {"items": [12, 13]}; none or {"all": true}: all that are left, unseen.',
  rejectReview:
    'Rejects items that wait for review: they are not trained on. Input: {"item": 12}, {"items": [12, 13]}, or {"all": true}: all that are left, unseen.',
  setBudget: 'Replaces limits. Input: {"run": {"tokens": 1000000}, "iteration": {"minutes": 60}}.',
} as const;

export type MessageName = keyof typeof MESSAGES;
export const MESSAGE_NAMES = Object.keys(MESSAGES) as MessageName[];

export const STAGNATION_KINDS = ['plateau', 'decline', 'collapse', 'drift'] as const;
export type StagnationKind = (typeof STAGNATION_KINDS)[number];

export type Budget = z.output<typeof budgetSchema>;

/** What a message may carry. `by` names the sender, `id` makes sending it twice harmless. */
export type MessageArgs = {
  id?: string;
  by?: string;
  when?: 'now' | 'iteration';
  /** As asked for; the caller of `receive` has found the id of the checkpoint by then. */
  to?: 'base' | 'best' | number;
  checkpointId?: number;
  kind?: StagnationKind;
  reason?: string;
  run?: Partial<Budget['run']>;
  iteration?: Partial<Budget['iteration']>;
  /** Ids of review items; without them, all that are left. */
  items?: number[];
  /** What the decisions came to, once they are stored. */
  done?: string;
};

export type Message = {
  id: string;
  name: MessageName;
  args: MessageArgs;
  origin: 'signal' | 'update' | 'loop';
};

/** A message with what became of it, on its way into the database. */
export type Recorded = Message & { accepted: boolean; answer: string; iterationIndex: number };

/** Why the run waits for an operator. */
/** `retryHelps`: false where the same would fail again, since a run's settings can't be changed. */
export type Parked = { doing: string; error: string; advice: string; retryHelps?: false };

export type Control = {
  /** `preparing`: the run is not stored yet; `measuring`: its base is; `ended`: what comes now changes nothing. */
  phase: 'preparing' | 'measuring' | 'iterating' | 'finishing' | 'ended';
  /** The iteration that runs, or ran last. */
  iteration: number;
  /** Is the iteration under way, so that it can be given up? */
  inIteration: boolean;
  paused: boolean;
  stop?: 'now' | 'iteration';
  parked?: Parked;
  /** Set by `retryIteration`, cleared when the run tries again. */
  retry: boolean;
  /** The iteration to give up. */
  skip?: { iteration: number; message: Message };
  reset?: { checkpointId: number; message: Message };
  stagnations: Message[];
  /** Messages with decisions of reviewers so far: the iteration looks again. */
  reviews: number;
  /** Decisions for which the iteration waits. */
  reviewsWaiting: number;
  /** Ids of the newest messages. */
  seen: string[];
  /** Newest messages, to be shown. */
  shown: Recorded[];
  /** Messages that are not in the database yet. */
  unsaved: Recorded[];
};

/** More ids than anybody sends while one of them is being retried. */
const SEEN_KEPT = 100;
const SHOWN_KEPT = 8;
/** Of the ids that a run takes along when it continues as new: 40 UUIDs, for a payload of a few kilobytes. */
const SEEN_CARRIED_CHARACTERS = 1_500;
const TEXT_CHARACTERS = 500;
/** NUL and halves of surrogate pairs: PostgreSQL stores neither. */
const UNSTORABLE = /\0|\p{Surrogate}/u;

const isShortText = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= TEXT_CHARACTERS && !UNSTORABLE.test(value);

/** Fields of any message, and of some. */
const COMMON_FIELDS = ['id', 'by', 'reason'] as const;
const OWN_FIELDS: Partial<Record<MessageName, readonly string[]>> = {
  stop: ['when'],
  resetCheckpoint: ['to'],
  stagnation: ['kind'],
  approveReview: ['item', 'items', 'all'],
  rejectReview: ['item', 'items', 'all'],
  setBudget: ['run', 'iteration'],
};

export function createControl(carried?: Partial<Control>): Control {
  return {
    phase: 'preparing',
    iteration: 0,
    inIteration: false,
    paused: false,
    retry: false,
    stagnations: [],
    reviews: 0,
    reviewsWaiting: 0,
    seen: [],
    shown: [],
    unsaved: [],
    ...carried,
  };
}

/** What a run that continues as new takes along: everything that is asked for and not yet done. */
export function carriedControl(control: Control): Partial<Control> {
  const { iteration, paused, stop, skip, reset, stagnations, shown, unsaved } = control;
  const seen = newestWithin(control.seen, SEEN_CARRIED_CHARACTERS);
  return { iteration, paused, stop, skip, reset, stagnations, seen, shown, unsaved };
}

function newestWithin(ids: readonly string[], characters: number): string[] {
  let left = characters;
  const tooOld = ids.findLastIndex((id) => (left -= id.length) < 0);
  return ids.slice(tooOld + 1);
}

/** The id that a sender gave; also of a message that is wrong otherwise. */
export function idOf(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null || !('id' in input)) return undefined;
  return isShortText(input.id) ? input.id : undefined;
}

/** Brings what a UI, a command or code sent into the one form. @throws RangeError naming what is wrong */
export function readArgs(name: MessageName, input: unknown): MessageArgs {
  const short = typeof input === 'string' || typeof input === 'number';
  if (input === undefined || input === null || input === '') return readFields(name, {});
  if (short && name === 'resetCheckpoint') return readFields(name, { to: input });
  if (short && name === 'stagnation') return readFields(name, { kind: input });
  if (short && (name === 'approveReview' || name === 'rejectReview'))
    return readFields(name, { item: input });
  if (typeof input !== 'object' || Array.isArray(input)) throw wrong(name, 'the input must be a JSON object');
  return readFields(name, input as Record<string, unknown>);
}

function readFields(name: MessageName, fields: Record<string, unknown>): MessageArgs {
  const args: MessageArgs = {};
  // A misspelt field must not be left out in silence: {"When": "iteration"} would stop the run now.
  const known: string[] = [...COMMON_FIELDS, ...(OWN_FIELDS[name] ?? [])];
  const unknown = Object.keys(fields).find((field) => !known.includes(field));
  if (unknown !== undefined)
    throw wrong(name, `there is no field ${JSON.stringify(unknown.slice(0, 40))}, only ${known.join(', ')}`);
  for (const field of COMMON_FIELDS) {
    const value = fields[field];
    if (value === undefined) continue;
    if (!isShortText(value))
      throw wrong(name, `"${field}" must be a text of at most ${TEXT_CHARACTERS} characters, without NUL`);
    args[field] = value;
  }
  if (name === 'stop') {
    args.when = oneOf(name, 'when', ['now', 'iteration'] as const, fields.when ?? 'now');
  }
  if (name === 'resetCheckpoint') args.to = readTarget(fields.to);
  if (name === 'stagnation') args.kind = oneOf(name, 'kind', STAGNATION_KINDS, fields.kind ?? 'plateau');
  if (name === 'approveReview' || name === 'rejectReview') args.items = readItems(name, fields);
  if (name === 'setBudget') {
    const parsed = budgetSchema.partial().safeParse({
      ...(fields.run === undefined ? {} : { run: fields.run }),
      ...(fields.iteration === undefined ? {} : { iteration: fields.iteration }),
    });
    if (!parsed.success) {
      throw wrong(
        name,
        parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
      );
    }
    if (fields.run === undefined && fields.iteration === undefined)
      throw wrong(name, 'give "run" or "iteration" with limits');
    if (fields.run !== undefined) args.run = parsed.data.run;
    if (fields.iteration !== undefined) args.iteration = parsed.data.iteration;
  }
  return args;
}

function readTarget(to: unknown): 'base' | 'best' | number {
  if (to === 'base' || to === 'best') return to;
  const id = typeof to === 'string' && /^\d+$/.test(to) ? Number(to) : to;
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id;
  throw wrong('resetCheckpoint', '"to" must be "base", "best" or the id of a checkpoint');
}

/** More would not fit a message. */
const MOST_ITEMS = 200;

function readItems(name: MessageName, { item, items, all }: Record<string, unknown>): number[] | undefined {
  const given = items ?? item;
  if (given === undefined) {
    // Throwing everything away takes a word.
    if (all === true || (name === 'approveReview' && all === undefined)) return undefined;
    throw wrong(name, 'give "item" with the id of an item (ratchet review --list), or "all": true');
  }
  if (all !== undefined) throw wrong(name, 'give "items" or "all", not both');
  const ids = (Array.isArray(given) ? given : [given]).map((one) =>
    typeof one === 'string' && /^\d+$/.test(one) ? Number(one) : (one as unknown),
  );
  const good = ids.filter((id) => typeof id === 'number' && Number.isSafeInteger(id) && id > 0) as number[];
  if (good.length < ids.length || ids.length === 0 || ids.length > MOST_ITEMS)
    throw wrong(name, `"items" must be 1 to ${MOST_ITEMS} ids of items`);
  return good;
}

function oneOf<T extends string>(name: MessageName, field: string, known: readonly T[], value: unknown): T {
  const found = known.find((one) => one === value);
  if (!found) throw wrong(name, `"${field}" must be one of ${known.join(', ')}`);
  return found;
}

const wrong = (name: MessageName, problem: string) => new RangeError(`${name}: ${problem}`);

/** Why a message is impossible now; undefined when it is not. */
export function refusal(control: Control, name: MessageName, args: MessageArgs): string | undefined {
  const { parked } = control;
  const waits = 'the run is parked and waits for retryIteration, skipIteration, resetCheckpoint or stop';
  if (control.phase === 'ended') return 'the run is over';
  if (control.phase === 'finishing' && !parked && name !== 'stop' && name !== 'pause' && name !== 'resume') {
    return 'the iterations are over and the final benchmark is being read';
  }
  switch (name) {
    case 'pause':
      if (parked) return waits;
      return control.paused ? 'the run is paused already' : undefined;
    case 'resume':
      if (!control.paused) return parked ? waits : 'the run is not paused';
      return undefined;
    case 'retryIteration':
      return parked ? undefined : 'nothing has failed: only a parked run can be told to try again';
    case 'skipIteration':
      if (!control.inIteration) return 'no iteration is under way';
      return control.skip?.iteration === control.iteration
        ? 'the iteration is being skipped already'
        : undefined;
    case 'stop':
      if (control.stop === args.when || control.stop === 'now') return 'the run is being stopped already';
      return undefined;
    case 'resetCheckpoint':
    case 'stagnation':
    case 'setBudget':
    case 'approveReview':
    case 'rejectReview':
      return undefined;
  }
}

/** Records a message. One that was seen before changes nothing and gets the answer that it got then. */
export function receive(control: Control, message: Message): { accepted: boolean; answer: string } {
  if (control.seen.includes(message.id)) {
    const before = control.shown.find((one) => one.id === message.id);
    return { accepted: before?.accepted ?? true, answer: before?.answer ?? 'received before' };
  }
  const refused = refusal(control, message.name, message.args);
  const answer = refused ?? apply(control, message);
  return note(control, message, refused === undefined, answer);
}

/** Keeps a message with its answer, for those who watch and for the database. */
export function note(
  control: Control,
  message: Message,
  accepted: boolean,
  answer: string,
): { accepted: boolean; answer: string } {
  const recorded = { ...message, accepted, answer, iterationIndex: control.iteration };
  control.seen = [...control.seen, message.id].slice(-SEEN_KEPT);
  control.shown = [...control.shown, recorded].slice(-SHOWN_KEPT);
  control.unsaved.push(recorded);
  return { accepted, answer };
}

function apply(control: Control, message: Message): string {
  const { name, args } = message;
  const here = control.inIteration ? `iteration ${control.iteration}` : 'the run';
  switch (name) {
    case 'pause':
      control.paused = true;
      return `${here} pauses once the pages under way are done`;
    case 'resume':
      control.paused = false;
      return `${here} goes on`;
    case 'stop':
      control.stop = args.when ?? 'now';
      return control.stop === 'now'
        ? 'the run stops once the pages under way are done; start it again to go on'
        : `the run stops when ${here} is decided`;
    case 'retryIteration':
      control.retry = true;
      return `trying again: ${control.parked?.doing ?? here}`;
    case 'skipIteration':
      control.skip = { iteration: control.iteration, message };
      return `iteration ${control.iteration} is given up, unless it is being decided this moment`;
    case 'resetCheckpoint':
      control.reset = { checkpointId: args.checkpointId!, message };
      return (
        (control.inIteration ? `iteration ${control.iteration} is given up; ` : '') +
        `the run goes on from checkpoint ${args.checkpointId}`
      );
    case 'stagnation':
      control.stagnations.push(message);
      return `the policy is asked for its next step after ${here}`;
    case 'approveReview':
    case 'rejectReview':
      control.reviews += 1;
      return args.done ?? 'decided';
    case 'setBudget':
      return 'the limits hold from the next page on';
  }
}

/** Is the iteration under way to be given up at once? */
export function givesUp(control: Control): boolean {
  return control.reset !== undefined || control.skip?.iteration === control.iteration;
}
