/**
 * What is to be done next in a tree of parts. Decided from its nodes alone, so that whoever finds a tree half done goes on as if
 * nothing had happened.
 */
import type { LadderNode } from '../../db/queries/ladder.ts';
import type { IterationContext } from '../context.ts';
import type { Part, PartKind, SolvedPart, Task } from '../../tasks/task.ts';

export type Step =
  | { do: 'wait' }
  | { do: 'ask' }
  | { do: 'split'; parts: Part[] }
  | { do: 'recombine'; parts: SolvedPart[] }
  | { do: 'fail'; reason: string };

type Node = Pick<
  LadderNode,
  'path' | 'depth' | 'kind' | 'key' | 'text' | 'level' | 'status' | 'answer' | 'reason'
>;

export const partOf = ({ key, text, level, kind }: Pick<Node, 'key' | 'text' | 'level' | 'kind'>): Part => ({
  key,
  text,
  level: level ?? undefined,
  kind: kind ?? undefined,
});

/** How problems of this node's kind are asked and read. */
export function kindOf(task: Task, { kind }: Pick<Node, 'kind'>): PartKind {
  const found = kind === null ? task : task.partKinds?.[kind];
  if (!found) throw new Error(`Task ${task.name} has no kind of parts named ${kind}.`);
  return found;
}

/** How often a node of this kind is asked. */
export const samplesOf = (
  { task, settings }: Pick<IterationContext, 'task' | 'settings'>,
  node: Pick<Node, 'kind'>,
): number => kindOf(task, node).samples ?? settings.strategy.ladder.samples;

export const pathOf = (parent: string, place: number): string =>
  parent === '' ? String(place + 1) : `${parent}.${place + 1}`;

/** The parts of a node among those of its tree, in their order. */
export function partsOf<N extends Pick<Node, 'path'>>(
  { path }: Pick<Node, 'path'>,
  nodes: readonly N[],
): N[] {
  const own = new Map(nodes.map((node) => [node.path, node]));
  const found: N[] = [];
  for (let place = 0; ; place++) {
    const part = own.get(pathOf(path, place));
    if (!part) return found;
    found.push(part);
  }
}

/**
 * The next step of an open node.
 *
 * @param worksOf the work of a solved part that gave its answer
 * @throws Error when the task splits otherwise than it did before
 */
export function nextStep<N extends Node>(
  node: N,
  parts: readonly N[],
  worksOf: (part: N) => SolvedPart['works'],
  { task, depth, fanOut }: { task: Task; depth: number; fanOut: number },
): Step {
  const failed = parts.find(({ status }) => status === 'failed');
  if (failed) return { do: 'fail', reason: `part ${failed.path} (${failed.text}) failed: ${failed.reason}` };
  if (parts.some(({ status }) => status === 'open')) return { do: 'wait' };
  const solved = parts.map((part) => ({ prompt: partOf(part), answer: part.answer!, works: worksOf(part) }));
  const kind = kindOf(task, node);
  const splits = node.depth < depth && kind.decompose !== undefined && kind.recombine !== undefined;
  const wanted = splits ? kind.decompose!(partOf(node), solved) : [];
  if (wanted.length === 0 && parts.length === 0) return { do: 'ask' };
  if (parts.some(({ key }, place) => wanted[place]?.key !== key)) {
    throw new Error(
      `Task ${task.name} splits ${node.text} into ${wanted.map(({ text }) => text).join(', ') || 'nothing'} and did so otherwise before.`,
    );
  }
  if (wanted.length > fanOut) {
    return {
      do: 'fail',
      reason: `${wanted.length} parts, at most ${fanOut} are allowed (strategy.ladder.fanOut)`,
    };
  }
  if (wanted.length > parts.length) return { do: 'split', parts: wanted.slice(parts.length) };
  return { do: 'recombine', parts: solved };
}

type Votes = Pick<LadderNode, 'votes' | 'runnerUpVotes' | 'samples'>;

/** A whole is as sure as its weakest part: the one with the least lead, of those the one with the fewest votes. */
export function weakest(parts: readonly Votes[]): Votes {
  const lead = ({ votes, runnerUpVotes, samples }: Votes) => (votes! - runnerUpVotes!) / samples!;
  const share = ({ votes, samples }: Votes) => votes! / samples!;
  const [first] = parts.toSorted((a, b) => lead(a) - lead(b) || share(a) - share(b));
  if (!first) throw new RangeError('Nothing is put together of no parts.');
  const { votes, runnerUpVotes, samples } = first;
  return { votes, runnerUpVotes, samples };
}
