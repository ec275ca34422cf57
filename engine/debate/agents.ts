/** Who argues in a run's debates: which checkpoint or other model each agent is, how warm, and in which way it is asked. */
import type { Db } from '../../db/connect.ts';
import { findCheckpoint, getCheckpoint, type Checkpoint } from '../../db/queries/runs.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { judgesBehaviour, type Strategy, type Task } from '../../tasks/task.ts';
import { answererOf, endpointOf, samplerOf, type IterationContext } from '../context.ts';
import { debatable, strategiesOf, unknownStrategies, wayOf } from '../pool.ts';

export type Agent = {
  number: number;
  temperature: number;
  strategy: Strategy;
  endpoint: Endpoint;
  role: 'generator' | 'teacher';
  /** What answers there; of another model a stand-in without an id of its own. */
  checkpoint: Checkpoint;
  /** It is of the run: its work may train. */
  own: boolean;
};

type Named = ImproveSettings['strategy']['debate']['agents'][number];

/** The settings under which the generator is the other model that an agent names. */
function settingsFor(settings: ImproveSettings, endpoint: NonNullable<Named['endpoint']>): ImproveSettings {
  const { models } = settings;
  // The key belongs to the URL beside which it stands.
  const generator = endpoint.baseURL === undefined ? { ...models.generator, ...endpoint } : endpoint;
  return { ...settings, models: { ...models, generator } };
}

/** Where the other models answer that agents name. @throws EndpointError */
export function otherModels({ settings, task }: { settings: ImproveSettings; task: Task }): Endpoint[] {
  const { mode, agents } = settings.strategy.debate;
  if (mode === 'off') return [];
  return agents.flatMap(({ endpoint }) =>
    endpoint ? [endpointOf('generator', settingsFor(settings, endpoint), task)] : [],
  );
}

/** What is wrong with the debates of a run's settings, and with their agents. */
export function debateProblems(of: { settings: ImproveSettings; task: Task }): string[] {
  const { settings, task } = of;
  const { mode, agents } = settings.strategy.debate;
  if (mode === 'off') return [];
  return [
    ...(debatable(of, { purpose: 'learn' }) ? [] : [`strategy.debate.mode: is on, but ${whyNone(task)}`]),
    ...agents.flatMap(({ strategy, checkpoint, endpoint }, i) => {
      const at = `strategy.debate.agents.${i}`;
      const unknown = strategy === undefined ? [] : unknownStrategies(task, [strategy]);
      // What nobody named is the best.
      const other =
        checkpoint === 'best' ? undefined : endpoint ? 'the agent is another model' : taught(settings);
      return [
        ...unknown.map((what) => `${at}.strategy: ${what}`),
        ...(other ? [`${at}.checkpoint: is ${checkpoint}, but ${other}: leave it out`] : []),
      ];
    }),
  ];
}

const whyNone = (task: Task): string =>
  judgesBehaviour(task)
    ? `the answers of the task ${task.name} are programs, about which agents can't argue`
    : `strategy.ladder.mode is too, and the task ${task.name} splits, so that its prompts are solved in parts: give one of the two`;

const taught = ({ models }: ImproveSettings): string | undefined =>
  models.teacher === undefined ? undefined : 'the agents of a run with a teacher are the teacher';

export async function agentsOf(db: Db, context: IterationContext): Promise<Agent[]> {
  const { settings, task } = context;
  const ways = strategiesOf(context);
  return Promise.all(
    settings.strategy.debate.agents.map(async (named, number): Promise<Agent> => {
      const strategy =
        named.strategy === undefined ? ways[number % ways.length]! : wayOf(task, named.strategy);
      const temperature = named.temperature ?? settings.sampling.temperature;
      const own = named.endpoint === undefined;
      const who = own ? await ownOf(db, context, named.checkpoint) : otherOf(context, named.endpoint!);
      return { number, temperature, strategy, own, ...who };
    }),
  );
}

async function ownOf(db: Db, context: IterationContext, which: Named['checkpoint']) {
  const { run, settings, task, checkpoint, teacher } = context;
  if (which === 'best' || teacher) return samplerOf(context);
  const earlier =
    which === 'base'
      ? await findCheckpoint(db, run.id, 0)
      : checkpoint.parentId === null
        ? undefined
        : await getCheckpoint(db, checkpoint.parentId);
  const by = earlier ?? checkpoint;
  return { checkpoint: by, ...answererOf(settings, task, by) };
}

function otherOf({ settings, task, checkpoint }: IterationContext, named: NonNullable<Named['endpoint']>) {
  const endpoint = endpointOf('generator', settingsFor(settings, named), task);
  return {
    role: 'generator' as const,
    endpoint,
    // Nothing is known of its weights, and nothing can be loaded there.
    checkpoint: {
      ...checkpoint,
      kind: 'base' as const,
      model: endpoint.model,
      fingerprint: null,
      path: null,
    },
  };
}
