/** The tree of parts that a sample was put together of, as terminal and page show it. */
import { nodesOf, PROPOSED_PARTS, type LadderNode } from '../../db/queries/ladder.ts';
import { readProposal } from '../../engine/ladder/proposals.ts';
import type { Db } from '../../db/connect.ts';

export type TreeNode = Pick<
  LadderNode,
  'path' | 'depth' | 'kind' | 'text' | 'status' | 'answer' | 'votes' | 'samples' | 'reason'
> & { checkpoint: number };

/** The trees of these prompts, each node followed by its parts; prompts without one are left out. */
export async function treesOf(db: Db, promptIds: number[]): Promise<Map<number, TreeNode[]>> {
  const inOrder = (a: LadderNode, b: LadderNode) => a.path.localeCompare(b.path, 'en', { numeric: true });
  const trees = Map.groupBy(await nodesOf(db, [...new Set(promptIds)]), ({ promptId }) => promptId);
  return new Map(
    [...trees].map(([promptId, nodes]) => [
      promptId,
      nodes
        .toSorted(inOrder)
        .map(
          ({ path, depth, kind, text, status, answer, votes, samples, reason, checkpointId: checkpoint }) => {
            return { path, depth, kind, text, status, answer, votes, samples, reason, checkpoint };
          },
        ),
    ]),
  );
}

/** A tree in lines, parts below what they are parts of. */
export const treeText = (tree: readonly TreeNode[]): string =>
  tree.map((node) => `${'  '.repeat(node.depth)}${nodeText(node)}`).join('\n');

/** A node in a line: `2.1 555+15 = 570, 3 of 3, checkpoint 1`. */
export function nodeText({
  path,
  kind,
  text,
  status,
  answer,
  votes,
  samples,
  reason,
  checkpoint,
}: TreeNode): string {
  if (kind === PROPOSED_PARTS) return proposalText(path, status === 'solved' ? answer : null, reason);
  const name = path === '' ? text : `${path} ${text.replaceAll('\n', ' ')}`;
  if (status === 'solved') {
    return `${name} = ${answer}, ${votes} of ${samples}${reason?.startsWith('put together') ? ` at its weakest, ${reason}` : `, checkpoint ${checkpoint}`}`;
  }
  return `${name} ${status}${reason ? `: ${reason}` : ''}`;
}

function proposalText(path: string, answer: string | null, reason: string | null): string {
  if (answer === null) return `${path} no parts were proposed that can be used: ${reason}`;
  const { questions, dropped } = readProposal(answer);
  const refused = dropped.map((one) => `; dropped, it ${one.reason}: ${one.question}`);
  return `${path} parts that the model proposes: ${questions.length}${refused.join('')}`;
}
