/**
 * Parts that the model proposes, for tasks that can't say themselves what the parts of a problem are: least-to-most (Zhou et al. 2022,
 * arXiv 2205.10625) as a tree of parts. Its root has a node with the proposal, one for each question of it, and one in which the problem
 * is asked with their answers in view; what is written there is the whole solution, and it is checked as such beside the bare problem.
 */
import { z } from 'zod';
import { PROPOSED_PARTS } from '../../db/queries/ladder.ts';
import { asks, numbersOf } from '../../loop/paraphrase.ts';
import { digestOf } from '../../process/digest.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import type { ChatMessage, Part, PartKind, Recombined, SolvedPart, Task } from '../../tasks/task.ts';

/** Kinds of nodes beside that of the proposal; the problem itself has none. */
const QUESTION = 'question';
const WHOLE = 'whole';

/** With the proposal and the whole as many nodes as `strategy.ladder.fanOut` allows by default. */
const MOST_QUESTIONS = 6;
const PROPOSAL_TOKENS = 400;

const INSTRUCTION = `Split the problem at the end into two or more smaller questions that lead to its answer.
Write each on a line of its own, numbered. Say in it all that it needs, so that it can be answered without the problem. Where it needs the answer of question 1, write #1 in that place. Use no numbers but those of the problem. Do not answer anything.

Example: "Ann has 3 boxes of 4 pens and gives 5 pens away. How many has she left?"
1. Ann has 3 boxes of 4 pens. How many pens does she have?
2. Ann has #1 pens and gives 5 pens away. How many pens has she left?

Problem: `;

const LINE = /^\s*(?:\d{1,2}[.):]|[-*•])\s+(\S.*?)\s*$/;
const REFERENCE = /#(\d{1,2})/g;

/** Of one reply: the questions that can be used, in their order, and why others can't be. A proposal's node has it for an answer, as JSON. */
const proposalSchema = z.object({
  questions: z.array(z.string()),
  dropped: z.array(z.object({ question: z.string(), reason: z.string() })),
});
export type Proposal = z.infer<typeof proposalSchema>;

export const readProposal = (answer: string): Proposal => proposalSchema.parse(JSON.parse(answer));

/**
 * Reads a proposal. Dropped is a question that has a number which neither the problem nor an earlier answer has, one that has lost all
 * of them, one that needs an answer which does not come before it, one that asks nothing where the problem does, one that the task refuses,
 * and the problem over again.
 */
export function questionsIn(reply: string, problem: string, task: Pick<Task, 'readPrompt'>): Proposal {
  const known = new Set(numbersOf(problem));
  /** What the model numbered its questions, by which later ones refer to them, and where they stand among those kept. */
  const places = new Map<number, number>();
  const objection = (question: string): string | undefined => {
    const references = [...question.matchAll(REFERENCE)].map((found) => Number(found[1]));
    const numbers = numbersOf(question.replaceAll(REFERENCE, ' '));
    const invented = numbers.filter((one) => !known.has(one));
    if (invented.length > 0) return `invents ${invented.join(', ')}`;
    const missing = references.find((one) => !places.has(one));
    if (missing !== undefined) return `needs question ${missing}, which is not there before it`;
    if (known.size > 0 && numbers.length + references.length === 0) return 'has lost all numbers';
    if (question === problem.trim()) return 'is the problem itself';
    if (asks(problem) && !asks(question)) return 'asks nothing';
    if (places.size === MOST_QUESTIONS) return `comes after ${MOST_QUESTIONS} others`;
    const read = task.readPrompt(question.replaceAll(REFERENCE, '1'));
    return typeof read === 'string' ? `is no prompt of the task: ${read}` : undefined;
  };
  const proposal: Proposal = { questions: [], dropped: [] };
  let number = 0;
  for (const line of visibleOf(reply).split('\n')) {
    const question = LINE.exec(line)?.[1];
    if (question === undefined) continue;
    number += 1;
    const reason = objection(question);
    if (reason !== undefined) {
      proposal.dropped.push({ question, reason });
      continue;
    }
    proposal.questions.push(
      question.replaceAll(REFERENCE, (_, of: string) => `#${places.get(Number(of))! + 1}`),
    );
    places.set(number, places.size);
  }
  return proposal;
}

/** What later questions say of an answer: its last number, or all of it. */
const valueOf = (answer: string): string => answer.match(/-?\d[\d,]*(?:\.\d+)?/g)?.at(-1) ?? answer;

const keyOf = (kind: string, text: string): string => `${kind}:${digestOf(text).slice(0, 24)}`;

function decompose({ text, level }: Part, solved: readonly SolvedPart[]): Part[] {
  const proposal: Part = { kind: PROPOSED_PARTS, key: keyOf(PROPOSED_PARTS, text), text, level };
  const [proposed, ...answered] = solved;
  if (!proposed) return [proposal];
  const { questions } = readProposal(proposed.answer);
  const ready = questions.slice(0, answered.length + 1).map((question): Part => {
    const asked = question.replaceAll(REFERENCE, (_, of: string) =>
      valueOf(answered[Number(of) - 1]!.answer),
    );
    return { kind: QUESTION, key: keyOf(QUESTION, asked), text: asked, level };
  });
  if (answered.length < questions.length) return [proposal, ...ready];
  const shown = answered.slice(0, questions.length).map(({ answer }, i) => `- ${ready[i]!.text} ${answer}`);
  const whole = `${text}\n\nWhat is known already:\n${shown.join('\n')}`;
  return [proposal, ...ready, { kind: WHOLE, key: keyOf(WHOLE, whole), text: whole, level }];
}

/** The solution that was written with the answers in view; in other forms of the problem nothing was written. */
function recombine({ text }: Part, request: string, parts: readonly SolvedPart[]): Recombined {
  const [work] = parts.at(-1)?.works ?? [];
  if (!work) return { impossible: 'nobody wrote a whole solution' };
  if (request !== text) return { impossible: 'the solution was written for the problem as it stands' };
  return { rationale: work.rationale };
}

/** The task with parts that the model proposes in place of its own. */
export function withProposals(task: Task): Task {
  /** Asked, read and voted on as the task's own problems are. */
  const own: PartKind = Object.create(task, {
    decompose: { value: undefined },
    recombine: { value: undefined },
  });
  const proposal: PartKind = {
    strategies: [
      {
        name: 'propose',
        messages: (text): ChatMessage[] => [{ role: 'user', content: `${INSTRUCTION}${text}` }],
        examples: 'never',
      },
    ],
    samples: 1,
    maxTokens: PROPOSAL_TOKENS,
    rewrites: ({ text }) => [
      { key: 'plain', text, mapBack: (reply) => JSON.stringify(questionsIn(reply, text, task)) },
    ],
    readAnswer: (reply) => reply,
    sameAnswer: (a, b) => a === b,
    checkFormat(problem, reply) {
      const { questions, dropped } = questionsIn(reply, problem, task);
      const said = [
        `${questions.length} questions can be used`,
        ...dropped.map(({ question, reason }) => `dropped, it ${reason}: ${question}`),
      ];
      return { ok: questions.length > 0, reason: said.join('; ') };
    },
    checkCoherence: () => ({ ok: true, reason: 'what comes of it is checked' }),
  };
  return Object.assign(Object.create(task) as Task, {
    decompose,
    recombine,
    partKinds: {
      [PROPOSED_PARTS]: proposal,
      [QUESTION]: own,
      // It stands for itself: in other numbers what is known already would be wrong.
      [WHOLE]: Object.create(own, { rewrites: { value: undefined } }) as PartKind,
    },
  });
}
