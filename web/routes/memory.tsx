/** Memory entries: the list, and one with its sources, tests and what saw it. */
import { Hono } from 'hono';
import { memoryDetail } from '../../app/memory/memory.ts';
import { listMemory } from '../../db/queries/memory-tests.ts';
import type { Deps } from '../deps.ts';
import { MemoryEntryPage, MemoryPage } from '../pages/memory.tsx';
import { frameOf, page, PageError } from '../render.ts';
import { wantedTask } from './serving.tsx';

/** Entries of a page. */
const MOST = 200;

export function memoryRoutes(deps: Deps): Hono {
  const { db } = deps;
  return new Hono()
    .get('/memory', async (c) => {
      const asked = c.req.query('task');
      const task = asked === undefined ? undefined : await wantedTask(deps, asked);
      const all = await listMemory(db, { task, most: MOST + 1 });
      return page(
        c,
        <MemoryPage
          frame={frameOf(c, deps)}
          task={task}
          entries={all.slice(0, MOST)}
          more={all.length > MOST}
        />,
      );
    })
    .get('/memory/:id{[0-9]{1,15}}', async (c) => {
      const id = Number(c.req.param('id'));
      const [known] = await listMemory(db, { ids: [id], most: 1 });
      if (!known) throw new PageError(404, 'No such entry', `There is no memory ${id}.`);
      return page(c, <MemoryEntryPage frame={frameOf(c, deps)} detail={await memoryDetail(db, id)} />);
    });
}
