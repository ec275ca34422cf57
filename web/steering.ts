/** What a visitor may tell a run, when, and in what words: the messages of loop/messages.ts that have a face. */
import type { MessageArgs } from '../loop/control.ts';
import { STEERING } from '../loop/messages.ts';
import type { RunStatus } from '../loop/words.ts';

export type Action = (typeof STEERING)[number];

/** Those with a key come first. */
export const ACTIONS = STEERING.toSorted((a, b) => Number(!a.key) - Number(!b.key));

export const actionsFor = (status: RunStatus) => ACTIONS.filter(({ when }) => when.includes(status));

export const LIMITS = ['tokens', 'cost', 'minutes', 'trainingSeconds'] as const;
export const LIMIT_TITLES: Record<(typeof LIMITS)[number], string> = {
  tokens: 'Tokens',
  cost: 'Cost, in the currency of the prices',
  minutes: 'Minutes',
  trainingSeconds: 'Seconds of training',
};

/** Reads a form into what the message carries. @throws RangeError naming the field that is wrong */
export function argsOf({ asks }: Pick<Action, 'asks'>, form: Record<string, unknown>): MessageArgs {
  const text = (field: string) => {
    const value = form[field];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
  const reason = text('reason');
  if (reason !== undefined && reason.length > 500)
    throw new RangeError('The reason may have 500 characters.');
  const args: MessageArgs = reason === undefined ? {} : { reason };
  if (asks === 'when') args.when = form.when === 'iteration' ? 'iteration' : 'now';
  if (asks === 'checkpoint') {
    const to = text('to');
    if (to !== 'base' && to !== 'best' && !/^[1-9]\d{0,14}$/.test(to ?? ''))
      throw new RangeError('Choose the checkpoint to go on from.');
    args.to = to === 'base' || to === 'best' ? to : Number(to);
  }
  if (asks === 'limits') {
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
