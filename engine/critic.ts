/** Who judges samples in a run: its critics, and the reward model. */
import type { Endpoint, Role } from '../models/endpoint.ts';
import { structuredCritic, structuredCriticOf } from '../tasks/critic.ts';
import { REWARD, rewardModel } from '../tasks/reward.ts';
import type { Critic, Task } from '../tasks/task.ts';
import type { ImproveSettings } from '../loop/input.ts';
import { endpointOf, type IterationContext } from './context.ts';

type Judging = { settings: ImproveSettings; task: Task };

/** One who is asked about samples. */
export type Asked = {
  /** Under which its critiques are stored. */
  name: string;
  critic: Critic;
  role: Extract<Role, 'critic' | 'judge'>;
  /** @throws EndpointError */
  endpoint(): Endpoint;
};

/** The task's own critic, else the one for chat models. */
export function criticOf(task: Task): Critic {
  return task.critic ?? structuredCritic;
}

/** The critics that the settings name, or the task's own. */
export function criticsOf({ settings, task }: Judging): Asked[] {
  const named = settings.gates.critique.critics;
  const role = 'critic' as const;
  if (named.length === 0) {
    const own = task.critics ?? [criticOf(task)];
    return own.map((critic) => ({
      name: critic.name,
      critic,
      role,
      endpoint: () => endpointOf(role, settings, task),
    }));
  }
  return named.map(({ name, speciality, endpoint }) => {
    // The key belongs to the URL beside which it stands.
    const own = endpoint.baseURL === undefined ? { ...settings.models.critic, ...endpoint } : endpoint;
    const models = { ...settings.models, critic: own };
    return {
      name,
      critic: speciality === 'task' ? criticOf(task) : structuredCriticOf(speciality),
      role,
      endpoint: () => endpointOf(role, { ...settings, models }, task),
    };
  });
}

/** All who are asked in a run, the reward model last, where it is on. */
export function askedOf(context: Judging): Asked[] {
  const { settings, task } = context;
  if (settings.experiment === 'ungated') return [];
  const critics = settings.gates.critique.mode === 'off' ? [] : criticsOf(context);
  if (settings.gates.policy.reward === 'off') return critics;
  const role = 'judge' as const;
  return [
    ...critics,
    { name: REWARD, critic: rewardModel, role, endpoint: () => endpointOf(role, settings, task) },
  ];
}

/**
 * Did nobody ask for the critic? Then it must not stand in the way of a run that it is of no use to: it advises where it
 * proves unable. A task's own critic, named critics, votes that rest on them and a mode that is set are asked for.
 */
export function criticIsUnasked({ settings, task }: Judging): boolean {
  const { mode, critics, votes } = settings.gates.critique;
  return (
    mode === 'auto' &&
    critics.length === 0 &&
    votes === 'all' &&
    task.critic === undefined &&
    task.critics === undefined
  );
}

/**
 * How far each critic of a run was measured at a level.
 *
 * @param doubt why none of them is listened to in this iteration
 */
export function standings(critics: readonly Asked[], level: number | undefined, doubt?: string) {
  return critics.map(({ name, critic }) => {
    if (doubt !== undefined) return { name, betterThanChance: false, reason: doubt };
    const measured = critic.betterThanChance?.(level);
    return {
      name,
      betterThanChance: measured?.ok ?? true,
      reason: measured?.reason ?? 'not measured on this task',
    };
  });
}

/** Are the critics asked about every sample before the vote? */
export function votesAreApproved({ settings }: Pick<IterationContext, 'settings'>): boolean {
  const { mode, votes } = settings.gates.critique;
  return (
    votes === 'approved' && (mode === 'required' || mode === 'auto') && settings.experiment !== 'ungated'
  );
}
