/** Each critic of a support task on its own labelled replies: can this model tell what it is asked to tell? */
import pLimit from 'p-limit';
import { fisherGreater } from '../../loop/critic-standing.ts';
import { chat } from '../../models/chat.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { criticFor } from '../../tasks/support/critics.ts';
import { readLibrary } from '../../tasks/support/library.ts';
import type { SupportTask } from '../../tasks/support/schema.ts';
import { CRITICS, readLabels, type Label, type Standing } from '../../tasks/support/standings.ts';
import type { Critic } from '../../tasks/task.ts';

const AT_ONCE = 4;
/** By luck one critic of twenty that can't tell would pass. */
const ALPHA = 0.05;
/** A critic that is silent on more than this share of replies would stop runs, not judge them. */
const MOST_SILENT = 0.2;

/** @throws InvalidInputError naming bad labels; else as `chat` */
export async function measureCritics(task: SupportTask, endpoint: Endpoint): Promise<Standing[]> {
  const named = CRITICS.flatMap((name) =>
    task.critics?.[name] === undefined ? [] : [{ name, file: task.critics[name] }],
  );
  if (named.length === 0)
    throw new InvalidInputError([
      'critics: the task file names none: a file of labelled replies for accuracy, tone or empathy',
    ]);
  const library = await readLibrary(task);
  const standings: Standing[] = [];
  for (const { name, file } of named) {
    const labels = await readLabels(name, file);
    const outcomes = await outcomesOf(criticFor(name, library), labels, endpoint);
    standings.push({ critic: name, model: endpoint.model, ...counted(labels, outcomes) });
  }
  return standings;
}

type Outcome = 'holds' | 'fails' | 'unscored';

async function outcomesOf(critic: Critic, labels: readonly Label[], endpoint: Endpoint): Promise<Outcome[]> {
  const limit = pLimit(AT_ONCE);
  return Promise.all(
    labels.map(({ request, reply }) =>
      limit(async (): Promise<Outcome> => {
        if (critic.cannotJudge?.(request, reply) !== undefined) return 'unscored';
        const { choices, raw } = await chat(endpoint, critic.request(request, reply));
        return critic.read({ text: choices[0]?.text ?? '', raw, work: reply }).outcome;
      }),
    ),
  );
}

function counted(labels: readonly Label[], outcomes: readonly Outcome[]): Omit<Standing, 'critic' | 'model'> {
  const n = (holds: boolean, outcome?: Outcome) =>
    labels.filter(
      (one, i) =>
        one.holds === holds &&
        outcomes[i] !== 'unscored' &&
        (outcome === undefined || outcomes[i] === outcome),
    ).length;
  const [bad, good] = [n(false), n(true)];
  const [caught, refused] = [n(false, 'fails'), n(true, 'fails')];
  const unscored = outcomes.filter((outcome) => outcome === 'unscored').length;
  const p =
    bad === 0 || good === 0
      ? 1
      : fisherGreater({ failed: caught, judged: bad }, { failed: refused, judged: good });
  return {
    bad,
    caught,
    good,
    refused,
    unscored,
    p,
    able: p < ALPHA && unscored <= MOST_SILENT * labels.length,
  };
}
