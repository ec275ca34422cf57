/**
 * What operators, and the loop itself, may tell a run: one reducer for signals and updates. It only records;
 * the run acts on what is recorded at its next safe point. Pure and deterministic, since it runs in workflow code.
 */
import { definitionOf, type MessageName, type StagnationKind } from './messages.ts';
import type { budgetSchema } from './policy-input.ts';
import type { z } from 'zod';

type Budget = z.output<typeof budgetSchema>;

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

/** Why the run waits for an operator. `retryHelps`: false where the same would fail again, since a run's settings can't be changed. */
type Parked = { doing: string; error: string; advice: string; retryHelps?: false };

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

/** Why a message is impossible now; undefined when it is not. */
export function refusal(control: Control, name: MessageName, args: MessageArgs): string | undefined {
  const { refused, whileFinishing } = definitionOf(name);
  if (control.phase === 'ended') return 'the run is over';
  if (control.phase === 'finishing' && !control.parked && !whileFinishing)
    return 'the iterations are over and the final benchmark is being read';
  return refused?.(control, args);
}

/** Records a message. One that was seen before changes nothing and gets the answer that it got then. */
export function receive(control: Control, message: Message): { accepted: boolean; answer: string } {
  if (control.seen.includes(message.id)) {
    const before = control.shown.find((one) => one.id === message.id);
    return { accepted: before?.accepted ?? true, answer: before?.answer ?? 'received before' };
  }
  const refused = refusal(control, message.name, message.args);
  const answer = refused ?? definitionOf(message.name).apply(control, message);
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

/** Is the iteration under way to be given up at once? */
export function givesUp(control: Control): boolean {
  return control.reset !== undefined || control.skip?.iteration === control.iteration;
}
