import { describe, expect, it } from 'vitest';
import { servingOf, type Servable, type ServingEvent } from '../../loop/serving.ts';

const base: Servable = { id: 1, iterationIndex: 0, kind: 'base', parentId: null };
const adapter = (id: number, iterationIndex = 1, parentId = 1): Servable => {
  return { id, iterationIndex, kind: 'adapter', parentId };
};
const [a, b, c] = [adapter(2), adapter(3), adapter(4)];

type Event = ServingEvent<Servable>;
const at = new Date(0);
const proven = (candidate: Servable, beaten: Servable): Event => {
  return { kind: 'proven', at, candidate, beaten, reason: `${candidate.id} beat ${beaten.id}` };
};
const choice = (kind: 'promote' | 'rollback', checkpoint: Servable, pinned = true): Event => {
  return { kind, at, checkpoint, pinned, reason: 'chosen', by: 'ann' };
};
const follow: Event = { kind: 'follow', at, reason: 'unpinned', by: 'ann' };

/** `better`: pairs that the held-out problems tell apart. Every comparison that is asked for is written down. */
async function serve(events: Event[], better: [Servable, Servable][] = []) {
  const asked: [number, number][] = [];
  const serving = await servingOf(events, async (one, other) => {
    asked.push([one.id, other.id]);
    const wins = better.some(([x, y]) => x.id === one.id && y.id === other.id);
    return { better: wins, reason: `${one.id} ${wins ? 'beats' : 'does not beat'} ${other.id}` };
  });
  return { ...serving, asked };
}

describe('what a task serves', () => {
  it('is nothing before the first promotion', async () => {
    expect(await serve([])).toEqual({
      checkpoint: undefined,
      before: undefined,
      line: [],
      pinned: false,
      turns: [],
      asked: [],
    });
  });

  it('is what was proven against it, without another comparison', async () => {
    expect(await serve([proven(a, base)])).toMatchObject({ checkpoint: a, before: base, asked: [] });
    const two = await serve([proven(a, base), proven(b, a)]);
    expect(two).toMatchObject({ checkpoint: b, before: a, pinned: false, asked: [] });
    expect(two.turns.map(({ kind, reason }) => [kind, reason])).toEqual([
      ['proven', '2 beat 1'],
      ['proven', '3 beat 2'],
    ]);
  });

  it('is held where a promotion of another run beats something else, unless the two were compared', async () => {
    const held = await serve([proven(a, base), proven(b, base)]);
    expect(held).toMatchObject({ checkpoint: a, before: base });
    expect(held.asked).toContainEqual([3, 2]);
    expect(held.turns.at(-1)).toMatchObject({
      kind: 'held-back',
      checkpoint: b,
      reason: '3 does not beat 2',
    });
    const won = await serve([proven(a, base), proven(b, base)], [[b, a]]);
    expect(won).toMatchObject({ checkpoint: b, before: a });
    expect(won.turns.at(-1)).toMatchObject({ kind: 'proven', reason: '3 beats 2' });
  });

  it('knows an adapter under the id of a run that began at it, and no base or later adapter by its parent', async () => {
    expect(await serve([proven(a, base), proven(b, adapter(9, 0, 2))])).toMatchObject({
      checkpoint: b,
      asked: [],
    });
    expect((await serve([proven(a, base), proven(b, adapter(9, 1, 2))])).asked).toContainEqual([3, 2]);
    const other: Servable = { id: 9, iterationIndex: 0, kind: 'base', parentId: 2 };
    expect((await serve([proven(a, base), proven(b, other)])).asked).toContainEqual([3, 2]);
  });

  it('stays at a pinned choice, and goes on with what was proven meanwhile when it is unpinned', async () => {
    const events = [proven(a, base), choice('promote', c), proven(b, a)];
    const pinned = await serve(events);
    expect(pinned).toMatchObject({ checkpoint: c, before: a, pinned: true });
    expect(pinned.turns.at(-1)).toMatchObject({
      kind: 'held-back',
      reason: 'the served checkpoint is pinned',
    });
    const after = await serve([...events, follow]);
    expect(after).toMatchObject({ checkpoint: b, before: a, pinned: false });
    expect(after.turns.at(-1)).toMatchObject({ kind: 'follow', checkpoint: b, by: 'ann' });
  });

  it('lets a newer promotion follow a choice that is not pinned, when it is proven against it', async () => {
    const chosen = [proven(a, base), choice('promote', c, false)];
    expect(await serve([...chosen, proven(b, c)])).toMatchObject({ checkpoint: b, before: c });
    expect(await serve([...chosen, proven(b, a)])).toMatchObject({ checkpoint: c });
  });

  it('goes back under a roll back to one that was served, also to the first', async () => {
    const line = [proven(a, base), proven(b, a)];
    expect(await serve([...line, choice('rollback', a)])).toMatchObject({ checkpoint: a, before: base });
    expect(await serve([...line, choice('rollback', base)])).toMatchObject({
      checkpoint: base,
      before: undefined,
    });
    expect(await serve([...line, choice('rollback', c)])).toMatchObject({ checkpoint: c, before: b });
    expect(await serve([...line, choice('promote', a)])).toMatchObject({ checkpoint: a, before: b });
  });
});
