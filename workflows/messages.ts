/** Signals and updates of a run, one pair per message, over the one reducer in loop/control.ts, for the messages of loop/messages.ts. */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  currentUpdateInfo,
  defineSignal,
  defineUpdate,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import { note, receive, refusal, type Control, type Message } from '../loop/control.ts';
import { FAILURE } from '../loop/failures.ts';
import { idOf } from '../loop/message-fields.ts';
import { MESSAGE_NAMES, MESSAGES, readArgs, type MessageName } from '../loop/messages.ts';
import { firstLine } from './failures.ts';
import { durable } from './proxies.ts';

/** Answer of an update: what the message does, and when. */
type Answer = { answer: string };

/**
 * What a message needs of the database: which checkpoint is meant, decisions of reviewers, or new limits to be stored (at
 * once: a run that is parked over its budget has to find them when it tries again). Answers why it is impossible, if it is.
 */
async function resolve(runId: string, control: Control, message: Message): Promise<string | undefined> {
  const { id, name, args } = message;
  const review = name === 'approveReview' || name === 'rejectReview';
  if (name !== 'resetCheckpoint' && name !== 'setBudget' && !review) return undefined;
  // The run has to be stored first.
  await condition(() => control.phase !== 'preparing');
  const over = refusal(control, name, args);
  if (over) return over;
  if (name === 'setBudget') {
    const from = control.inIteration ? control.iteration : control.iteration + 1;
    await durable.changeBudget({ runId, from, id, args });
    return undefined;
  }
  if (review) {
    const decision = name === 'approveReview' ? 'accept' : 'reject';
    const decided = await durable.decideReviews({ runId, decision, args });
    if ('impossible' in decided) return decided.impossible;
    args.done = decided.answer;
    return undefined;
  }
  const found = await durable.findResetTarget({ runId, to: args.to! });
  if ('unknown' in found) return found.unknown;
  args.checkpointId = found.checkpointId;
  return undefined;
}

function problemOf(control: Control, name: MessageName, input: unknown): string | undefined {
  try {
    return refusal(control, name, readArgs(name, input));
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Listens for every message, as a signal (any input, nothing is thrown: what is impossible is recorded as refused, with its
 * reason) and as an update (what is impossible is rejected). Call it before the first `await`.
 */
export function listen(runId: string, control: Control): void {
  async function take(name: MessageName, input: unknown, origin: Message['origin'], id: string) {
    const message: Message = { id: idOf(input) ?? id, name, args: {}, origin };
    try {
      message.args = readArgs(name, input);
      if (!control.seen.includes(message.id) && refusal(control, name, message.args) === undefined) {
        // A message that came before the run was cancelled still gets its answer.
        const impossible = await CancellationScope.nonCancellable(() => resolve(runId, control, message));
        if (impossible && !control.seen.includes(message.id))
          return note(control, message, false, impossible);
      }
    } catch (error) {
      // Not only what was sent may be wrong, also what is done about it: neither may end the run from a handler.
      const problem = error instanceof RangeError ? error.message : `it failed: ${firstLine(error)}`;
      return note(control, message, false, problem);
    }
    return receive(control, message);
  }

  for (const name of MESSAGE_NAMES) {
    const { help: description } = MESSAGES[name];
    setHandler(
      defineSignal<[unknown?]>(name),
      async (input) => {
        await take(name, input, 'signal', uuid4());
      },
      { description },
    );
    setHandler(
      defineUpdate<Answer, [unknown]>(name),
      async (input) => {
        const { accepted, answer } = await take(name, input, 'update', currentUpdateInfo()?.id ?? uuid4());
        if (!accepted) throw ApplicationFailure.nonRetryable(answer, FAILURE.refused);
        return { answer };
      },
      {
        description,
        validator: (input) => {
          // Sent again by a client that did not hear the answer, perhaps of the execution before this one.
          if (control.seen.includes(idOf(input) ?? currentUpdateInfo()?.id ?? '')) return;
          // Parsed here and by the handler: a replay asks no validator.
          const problem = problemOf(control, name, input);
          if (problem) throw ApplicationFailure.nonRetryable(problem, FAILURE.refused);
        },
      },
    );
  }
}
