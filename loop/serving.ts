/**
 * Which checkpoint a task serves. It turns one way, as a run does: a promotion counts when it was proven against what is
 * served, or beats that on the held-out problems which both answered. A person's choice counts at once, whatever was
 * measured, until a newer promotion is proven against it, or until somebody unpins it.
 */

/** A checkpoint as far as this needs it. A run that began at an adapter has a row of its own for it (iteration 0). */
export type Servable = {
  id: number;
  iterationIndex: number;
  kind: 'base' | 'adapter';
  parentId: number | null;
};

export type ServingEvent<C extends Servable> =
  | { kind: 'proven'; at: Date; candidate: C; beaten: C; reason: string }
  | { kind: 'promote' | 'rollback'; at: Date; checkpoint: C; pinned: boolean; reason: string; by: string }
  | { kind: 'follow'; at: Date; reason: string; by: string };

/** One turn of what a task serves, or a promotion that did not become one. */
type ServingTurn<C> = {
  at: Date;
  kind: 'proven' | 'promote' | 'rollback' | 'follow' | 'held-back';
  /** For `held-back` the checkpoint that is not served. */
  checkpoint: C | undefined;
  reason: string;
  /** Who chose it; undefined: the loop. */
  by?: string;
};

export type Serving<C> = {
  /** Undefined: nothing was ever promoted. */
  checkpoint: C | undefined;
  /** What a roll back goes to; undefined: there is nothing before it. */
  before: C | undefined;
  /** What is served, last, and what was before it: a roll back goes one to the left. */
  line: readonly C[];
  pinned: boolean;
  /** Oldest first. */
  turns: ServingTurn<C>[];
};

/** Is it the same adapter, perhaps under the id of a run that began at it? */
function same(a: Servable, b: Servable): boolean {
  return originId(a) === originId(b);
}

const originId = (c: Servable): number =>
  c.kind === 'adapter' && c.iterationIndex === 0 && c.parentId !== null ? c.parentId : c.id;

/**
 * @param events in order of time
 * @param compare whether the first beats the second on what both were measured on, and the numbers
 */
export async function servingOf<C extends Servable>(
  events: readonly ServingEvent<C>[],
  compare: (candidate: C, served: C) => Promise<{ better: boolean; reason: string }>,
): Promise<Serving<C>> {
  // What was served before stands under what is served. One line for the proven promotions alone, one with the choices.
  const proven: C[] = [];
  let serving: C[] = [];
  let pinned = false;
  const turns: ServingTurn<C>[] = [];

  async function outcome(line: C[], candidate: C, beaten: C, reason: string) {
    const top = line.at(-1);
    if (!top || same(top, beaten)) return { better: true, reason };
    const compared = await compare(candidate, top);
    return compared.better ? { better: true, reason: compared.reason } : compared;
  }

  for (const event of events) {
    if (event.kind === 'follow') {
      serving = [...proven];
      pinned = false;
      turns.push({ ...event, checkpoint: serving.at(-1) });
    } else if (event.kind === 'proven') {
      const { candidate, beaten, reason, at } = event;
      for (const line of [proven, serving]) {
        const shown = line === serving;
        const { better, reason: why } =
          shown && pinned
            ? { better: false, reason: 'the served checkpoint is pinned' }
            : await outcome(line, candidate, beaten, reason);
        if (better) {
          if (line.length === 0) line.push(beaten);
          line.push(candidate);
        }
        if (shown)
          turns.push({ at, kind: better ? 'proven' : 'held-back', checkpoint: candidate, reason: why });
      }
    } else {
      const known = serving.findLastIndex((one) => same(one, event.checkpoint));
      if (event.kind === 'rollback' && known >= 0) serving = serving.slice(0, known + 1);
      else serving.push(event.checkpoint);
      pinned = event.pinned;
      const { at, kind, checkpoint, reason, by } = event;
      turns.push({ at, kind, checkpoint, reason, by });
    }
  }
  return { checkpoint: serving.at(-1), before: serving.at(-2), line: serving, pinned, turns };
}
