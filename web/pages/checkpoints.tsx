/** What every task serves; and one task with the tree of its checkpoints. */
import { Pages } from '../parts/basics.tsx';
import { Empty, Said } from '../../app/html/parts.ts';
import type { RunCursor } from '../../db/queries/overview.ts';
import { taskPath, type RunTree, type Standing } from '../checkpoints.ts';
import { Layout, type Frame } from '../parts/layout.tsx';
import { ServingCard, Turns } from '../parts/serving.tsx';
import { Tree } from '../parts/tree.tsx';
import { visibleString } from '../text.ts';

export const CheckpointsPage = ({
  frame,
  standings,
  next,
  later,
}: {
  frame: Partial<Frame>;
  standings: Standing[];
  /** The last task of this page, where more follow. */
  next: string | null;
  later: boolean;
}) => (
  <Layout {...frame} title="Checkpoints" section="/checkpoints" topic="runs">
    <div class="heading">
      <h1>Checkpoints</h1>
    </div>
    <p class="intro">
      What each task serves: to the gateway, and as the start of runs that begin where the task stands. A
      promotion takes over when it is proven better; people may choose otherwise, with a reason.
    </p>
    <div id="standings" data-live="" class="stack">
      {standings.length === 0 ? (
        <Empty>
          {later ? (
            'There are no more tasks.'
          ) : (
            <>
              There are no runs yet. <a href="/launch">Launch one</a>.
            </>
          )}
        </Empty>
      ) : (
        standings.map((standing) => (
          <ServingCard
            standing={standing}
            title={
              <a href={taskPath(standing.task)} data-row="">
                <Said text={standing.task} most={80} />
              </a>
            }
          />
        ))
      )}
    </div>
    <Pages
      label="More tasks"
      first={later && ['/checkpoints', 'First']}
      next={next !== null && [`/checkpoints?after=${encodeURIComponent(next)}`, 'More tasks']}
    />
  </Layout>
);

export type TaskData = {
  standing: Standing;
  trees: RunTree[];
  next: RunCursor | null;
  later: boolean;
  /** The one run that is shown, where the address names it. */
  only: string | undefined;
  allTurns: boolean;
};

/** What is compared unless the visitor chooses: where the shown run began, and what is served or its best. */
function suggestion(trees: RunTree[]): { a?: number; b?: number } {
  const tree = trees.find(({ nodes }) => nodes.some((one) => one.serves)) ?? trees[0];
  const first = tree?.nodes[0];
  const best = tree?.nodes.findLast((one) => one.serves) ?? tree?.nodes.findLast((one) => one.best);
  if (!tree || !first || !best) return {};
  const other = best === first ? tree.nodes[1] : best;
  return { a: first.made.checkpoint.id, b: other?.made.checkpoint.id };
}

export const TaskPage = ({ frame, data }: { frame: Partial<Frame>; data: TaskData }) => {
  const { standing, trees, next, later, only, allTurns } = data;
  const { task, serving } = standing;
  const chosen = suggestion(trees);
  const path = taskPath(task);
  return (
    <Layout {...frame} title={visibleString(task, 60)} section="/checkpoints" topic="runs">
      <p class="crumbs">
        <a href="/checkpoints">Checkpoints</a> /
      </p>
      <div class="heading">
        <h1>
          <Said text={task} most={80} />
        </h1>
      </div>
      <div id="serving" data-live="" class="stack">
        <ServingCard standing={standing} title="Serves" />
      </div>
      <form action="/compare" class="stack forest">
        <div class="heading">
          <h2>{only === undefined ? 'Tree' : 'Tree of one run'}</h2>
          <div class="actions">
            {only === undefined ? null : (
              <a class="button" href={path}>
                All runs
              </a>
            )}
            <button class="primary">Compare the two chosen</button>
          </div>
        </div>
        <div id="trees" data-live="" class="stack">
          {trees.length === 0 ? (
            <Empty>{later ? 'There are no older runs.' : 'No run of it has a checkpoint yet.'}</Empty>
          ) : (
            trees.map((tree) => <Tree tree={tree} chosen={chosen} pinned={serving.pinned} />)
          )}
          <Pages
            label="More runs"
            first={later && [path, 'Newest']}
            next={
              next && [
                `${path}?at=${encodeURIComponent(next.at)}&id=${encodeURIComponent(next.id)}`,
                'Older runs',
              ]
            }
          />
        </div>
      </form>
      <section class="card" id="turns" data-live="">
        <header>
          <h2>How it came to be served</h2>
          <small>newest first</small>
        </header>
        {serving.turns.length === 0 ? (
          <Empty>Nothing was promoted or chosen yet.</Empty>
        ) : (
          <Turns serving={serving} all={allTurns ? undefined : `${path}?turns=all#turns`} />
        )}
      </section>
    </Layout>
  );
};
