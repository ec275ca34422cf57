/** What a visitor may tell a run, when, and in what words. The messages are those of loop/control.ts. */
import type { RunStatus } from '../db/schema.ts';
import type { MessageArgs, MessageName } from '../loop/control.ts';

export type ActionName = 'pause' | 'resume' | 'stop' | 'retry' | 'skip' | 'reset' | 'budget';

export type Action = {
  name: ActionName;
  title: string;
  /** What happens, asked before it does. */
  question: string;
  message: MessageName;
  /** States of a run in which it makes sense: elsewhere there is no button. */
  when: RunStatus[];
  /** Something is lost. */
  danger?: boolean;
  key?: string;
};

export const ACTIONS: Action[] = [
  {
    name: 'pause',
    title: 'Pause',
    question: 'Pages under way finish and no new one begins. A fine-tuning job goes on.',
    message: 'pause',
    when: ['running'],
    key: 'p',
  },
  {
    name: 'resume',
    title: 'Resume',
    question: 'The run goes on where it stands. What is done is not done again.',
    message: 'resume',
    when: ['paused', 'stopped', 'failed'],
    key: 'p',
  },
  {
    name: 'retry',
    title: 'Retry',
    question: 'The run tries again what failed; what is done is not redone.',
    message: 'retryIteration',
    when: ['parked'],
    key: 't',
  },
  {
    name: 'stop',
    title: 'Stop',
    question: 'The run stops. It can be gone on with later.',
    message: 'stop',
    when: ['running', 'paused', 'parked'],
  },
  {
    name: 'skip',
    title: 'Skip iteration',
    question:
      'The running iteration is given up and the next one begins. Its samples stay stored; nothing is trained on them.',
    message: 'skipIteration',
    when: ['running', 'paused', 'parked'],
    danger: true,
  },
  {
    name: 'reset',
    title: 'Reset',
    question:
      'The running iteration is given up, its training job cancelled, and the run goes on from a checkpoint.',
    message: 'resetCheckpoint',
    when: ['running', 'paused', 'parked'],
    danger: true,
  },
  {
    name: 'budget',
    title: 'Budget',
    question: 'Replaces limits from the next page on. A field left empty keeps what holds now.',
    message: 'setBudget',
    when: ['running', 'paused', 'parked'],
  },
];

export const actionsFor = (status: RunStatus) => ACTIONS.filter(({ when }) => when.includes(status));

export const LIMITS = ['tokens', 'cost', 'minutes', 'trainingSeconds'] as const;
export const LIMIT_TITLES: Record<(typeof LIMITS)[number], string> = {
  tokens: 'Tokens',
  cost: 'Cost, in the currency of the prices',
  minutes: 'Minutes',
  trainingSeconds: 'Seconds of training',
};

/** Reads a form into what the message carries. @throws RangeError naming the field that is wrong */
export function argsOf(name: ActionName, form: Record<string, unknown>): MessageArgs {
  const text = (field: string) => {
    const value = form[field];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const reason = text('reason');
  if (reason !== undefined && reason.length > 500)
    throw new RangeError('The reason may have 500 characters.');
  const args: MessageArgs = reason === undefined ? {} : { reason };
  if (name === 'stop') args.when = form.when === 'iteration' ? 'iteration' : 'now';
  if (name === 'reset') {
    const to = text('to');
    if (to !== 'base' && to !== 'best' && !/^[1-9]\d{0,14}$/.test(to ?? ''))
      throw new RangeError('Choose the checkpoint to go on from.');
    args.to = to === 'base' || to === 'best' ? to : Number(to);
  }
  if (name === 'budget') {
    for (const scope of ['run', 'iteration'] as const) {
      const limits: Partial<Record<(typeof LIMITS)[number], number>> = {};
      for (const limit of LIMITS) {
        const given = text(`${scope}.${limit}`);
        if (given === undefined) continue;
        const value = Number(given);
        if (!Number.isFinite(value) || value <= 0)
          throw new RangeError(`${LIMIT_TITLES[limit]} must be a number above 0, not "${given}".`);
        limits[limit] = value;
      }
      if (Object.keys(limits).length > 0) args[scope] = limits;
    }
    if (!args.run && !args.iteration) throw new RangeError('Give at least one limit.');
  }
  return args;
}
