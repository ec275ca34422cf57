import { Hono, type Context } from 'hono';
import { critiquesOf, siblings, textPage } from '../../db/queries/browse.ts';
import { createSampleReader } from '../../app/lineage/sample.ts';
import { ledTo } from '../../app/lineage/why.ts';
import type { Deps } from '../deps.ts';
import { SamplePage } from '../pages/sample.tsx';
import { TextPage } from '../pages/text.tsx';
import { SHOWN } from '../parts/answers.tsx';
import { frameOf, page, PageError } from '../render.ts';

/** Samples of a prompt that a page shows. */
const MOST_SIBLINGS = 96;
/** Characters of one part of a long text. */
const PART = 100_000;

const TITLES = { rationale: 'Rationale', request: 'Request', prompt: 'Prompt' } as const;

/** A bigint column takes no more. */
function idOf(c: Context): number {
  const id = Number(c.req.param('id'));
  if (!Number.isSafeInteger(id))
    throw new PageError(404, 'Nothing here', 'There is nothing with this number.');
  return id;
}

function fromOf(c: Context): number {
  const from = Number(c.req.query('from') ?? 0);
  if (!Number.isInteger(from) || from < 0 || from > 2 ** 31 - 2 - PART)
    throw new PageError(400, 'No such place', 'The address names no place in the text.');
  return from;
}

export function sampleRoutes(deps: Deps): Hono {
  const { db } = deps;
  const read = createSampleReader(db);
  return new Hono()
    .get('/samples/:id{[0-9]{1,15}}', async (c) => {
      const id = idOf(c);
      const [why] = await read([id]);
      if (!why) throw new PageError(404, 'No such sample', `There is no sample ${id}.`);
      const [critiques, all, led] = await Promise.all([
        critiquesOf(db, id, SHOWN),
        siblings(db, why.prompt.id, SHOWN, MOST_SIBLINGS + 1),
        ledTo(db, why.example ? [why.example.id] : []),
      ]);
      const more = all.length > MOST_SIBLINGS;
      const shown = all.slice(0, MOST_SIBLINGS);
      return page(
        c,
        <SamplePage frame={frameOf(c, deps)} data={{ why, led, critiques, siblings: shown, more }} />,
      );
    })
    .get('/samples/:id{[0-9]{1,15}}/text', async (c) => {
      const id = idOf(c);
      const field = c.req.query('field');
      if (field !== 'rationale' && field !== 'request' && field !== 'prompt')
        throw new PageError(400, 'No such text', 'A sample has a rationale, a request and a prompt.');
      const from = fromOf(c);
      const found = await textPage(db, { sample: id, field }, from, PART);
      if (!found) throw new PageError(404, 'No such sample', `There is no sample ${id}.`);
      return page(
        c,
        <TextPage
          frame={frameOf(c, deps)}
          title={`${TITLES[field]} of sample ${id}`}
          back={`/samples/${id}`}
          from={from}
          size={PART}
          path={`/samples/${id}/text?field=${field}`}
          {...found}
        />,
      );
    })
    .get('/critiques/:id{[0-9]{1,15}}/text', async (c) => {
      const id = idOf(c);
      const from = fromOf(c);
      const found = await textPage(db, { critique: id }, from, PART);
      if (!found) throw new PageError(404, 'No such critique', `There is no critique ${id}.`);
      return page(
        c,
        <TextPage
          frame={frameOf(c, deps)}
          title={`Reply of critique ${id}`}
          back={`/samples/${found.sample}`}
          from={from}
          size={PART}
          path={`/critiques/${id}/text`}
          {...found}
        />,
      );
    });
}
