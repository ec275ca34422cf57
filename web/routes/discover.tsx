/** Begins studies from a form. */
import { Hono, type Context } from 'hono';
import { checkStudy, startStudy } from '../../app/discovery/start.ts';
import { checkRunId, defaultRunId } from '../../app/runs/input.ts';
import { findStudy } from '../../db/queries/discovery.ts';
import { UsageError } from '../../process/errors.ts';
import { discoverInputSchema, type DiscoverInput } from '../../tasks/discovery/subject.ts';
import type { Deps } from '../deps.ts';
import type { Problems, Values } from '../launching.ts';
import { DiscoverPage } from '../pages/discover.tsx';
import { frameOf, page } from '../render.ts';
import { isStored, notStarted, typedValues } from '../starting.ts';

/** What was typed as an input; a field that was left empty is left to its default. */
function inputOf(values: Values): { input?: DiscoverInput; problems: Problems } {
  const text = (name: string) => values[name]?.trim() || undefined;
  const number = (name: string) => (text(name) === undefined ? undefined : Number(text(name)));
  const parsed = discoverInputSchema.safeParse({
    of: text('of') ?? '',
    budget: number('budget'),
    policy: text('policy'),
    seed: number('seed'),
    noise: number('noise'),
    hypotheses: (values.hypotheses ?? '').split('\n').flatMap((line) => line.trim() || []),
  });
  if (parsed.success) return { input: parsed.data, problems: new Map() };
  const problems: Problems = new Map();
  for (const { path, message } of parsed.error.issues) {
    const field = String(path[0] ?? '');
    const typed = text(field);
    const said = typed !== undefined && Number.isNaN(Number(typed)) && /number|int/.test(message);
    if (!problems.has(field)) problems.set(field, said ? `"${typed}" is no number` : message);
  }
  return { problems };
}

/** Starts what the form asks for and answers where to look at it. @throws UsageError, InvalidInputError */
async function carryOut(
  { db, temporal }: Deps,
  given: DiscoverInput,
  typedId: string | undefined,
): Promise<string> {
  const { input, name } = await checkStudy(given);
  const id = typedId === undefined ? defaultRunId(name) : checkRunId(typedId);
  if (await findStudy(db, id))
    throw new UsageError(`There is a study "${id}" already: give this one another id, or none.`);
  await startStudy(await temporal(), id, input);
  return (await isStored(() => findStudy(db, id))) ? `/studies/${encodeURIComponent(id)}` : '/studies';
}

export function discoverRoutes(deps: Deps): Hono {
  const answer = (c: Context, values: Values, problems: Problems, status: 200 | 400 | 503 = 200) =>
    page(c, <DiscoverPage frame={frameOf(c, deps)} form={{ values, problems }} />, status);
  return new Hono()
    .get('/discover', (c) => answer(c, c.req.query(), new Map()))
    .post('/discover', async (c) => {
      const values = await typedValues(c);
      const { input, problems } = inputOf(values);
      if (!input) return answer(c, values, problems, 400);
      try {
        return c.redirect(await carryOut(deps, input, values.id?.trim() || undefined), 303);
      } catch (error) {
        const { problems: wrong, status } = notStarted(error);
        return answer(c, values, wrong, status);
      }
    });
}
