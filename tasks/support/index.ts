/**
 * The task of learning from corrections: prompts are requests that users corrected, samples are drawn with the policy (and what was said)
 * before them, and what passes is trained on the plain request. What a reply claims is checked against the policy passage.
 */
import { namedModels } from '../file/named-models.ts';
import { keyOf, promptProblem } from '../file/rows.ts';
import { sampler } from '../random.ts';
import type { Benchmark, Prompt, PromptRequest, Strategy, Task } from '../task.ts';
import { accuracyOf } from './accuracy.ts';
import { canonical, claimsOf } from './claims.ts';
import { supportCritics } from './critics.ts';
import { libraryOf } from './library.ts';
import { formsOfRequest, formTexts } from './forms.ts';
import { heldOut, RELAPSES, relapses } from './held-out.ts';
import { isNegated } from './negation.ts';
import type { SupportSpec } from './resolve.ts';
import type { CorrectionRow } from './rows.ts';
import { answersOf } from './written.ts';

export { libraryOf } from './library.ts';
export { readHeldOut } from './held-out.ts';

/** How a sample is asked: with the passage that the request is about, and what a user said of the answer. */
const WAYS: Record<string, (text: string, policy: string | undefined, said: string | undefined) => string> = {
  policy: (text, policy) =>
    policy
      ? `Rule: ${policy}\n\nCustomer: ${text}\n\nAnswer the customer in one short sentence, as the rule says.`
      : text,
  corrected: (text, policy, said) =>
    policy && said
      ? `Rule: ${policy}\nA customer said: ${said}\n\nCustomer: ${text}\n\nAnswer the customer in one short sentence, as the rule says.`
      : WAYS.policy!(text, policy, undefined),
};

/** Rows that teach something, each request once, under all forms of its text. */
function byRequest(rows: readonly CorrectionRow[]): {
  byKey: Map<string, CorrectionRow>;
  byText: Map<string, CorrectionRow>;
} {
  const byKey = new Map<string, CorrectionRow>();
  const byText = new Map<string, CorrectionRow>();
  // What is learnt comes before what is kept: a request that somebody was content with and somebody else corrected is corrected.
  for (const fate of ['learn', 'keep'] as const)
    for (const row of rows.filter((one) => one.fate === fate)) {
      const key = keyOf(row.request);
      if (byKey.has(key)) continue;
      byKey.set(key, row);
      for (const text of formTexts(row.request)) byText.set(text, row);
    }
  return { byKey, byText };
}

export function supportTask({ task, passages: sentences, rows, standings = [] }: SupportSpec): Task {
  const library = libraryOf(sentences, task);
  const { names, common, retrieve, passages } = library;
  const { byKey, byText } = byRequest(rows);
  const system = task.system === undefined ? [] : [{ role: 'system' as const, content: task.system }];
  const strategies = Object.entries(WAYS).map(([name, way]): Strategy => ({
    name,
    messages(text) {
      const row = byText.get(text);
      const policy = (row ? passages.get(row.passage?.id ?? '') : retrieve(text)?.passage)?.text;
      return [
        ...system,
        { role: 'user', content: way(text, policy, row?.fate === 'learn' ? row.said : undefined) },
      ];
    },
  }));
  const readAnswer = (rationale: string) => canonical(rationale, names, common);
  const drawn = (fate: 'learn' | 'keep', { seed, count, exclude }: PromptRequest): Prompt[] => {
    const chosen = sampler<Prompt>(`${fate}/${seed}`, count);
    for (const [key, row] of byKey)
      if (row.fate === fate && !exclude(key)) chosen.add(key, { key, text: row.request });
    return chosen.take();
  };
  return {
    name: task.name,
    title: task.title ?? task.name,
    ...namedModels(task.models),
    ...(task.thinking ? { thinking: task.thinking } : {}),
    async *prompts(request) {
      yield* drawn('learn', request);
    },
    async *rehearsal(request) {
      yield* drawn('keep', request);
    },
    readPrompt: (text) => promptProblem('prompt', text) ?? { key: keyOf(text), text },
    strategies,
    rewrites: formsOfRequest,
    // The same answer to all forms of the request: one that the policy supports, if there is one.
    written({ key }, forms) {
      const row = byKey.get(key);
      if (!row) return [];
      const texts = answersOf(row, names);
      const rationale =
        texts.find((text) => library.check(row.request, text, row.before).outcome === 'supported') ??
        texts[0];
      if (rationale === undefined) return [];
      const by = `${row.decidedBy ?? row.by} (${row.id})`;
      return forms.map((form) => ({ form: form.key, rationale, by }));
    },
    ask: (text) => [...system, { role: 'user', content: text }],
    readAnswer,
    sameAnswer(a, b) {
      const [first, second] = [readAnswer(a), readAnswer(b)];
      return a === b || (first !== undefined && first === second);
    },
    believes({ text }, answer) {
      const { outcome, reason } = library.check(text, answer);
      return { ok: outcome === 'supported', reason };
    },
    checkFormat: (_, rationale) =>
      readAnswer(rationale) === undefined
        ? { ok: false, reason: 'it claims nothing: no value, no name, no yes or no' }
        : { ok: true, reason: 'it claims something' },
    checkCoherence(_, rationale) {
      const { polarity } = claimsOf(rationale, names);
      const stated = rationale.replace(/^\W*(?:yes|no)\b[\s,.:;!–-]*/i, '');
      if (polarity === undefined || stated.trim().split(/\s+/).length < 3)
        return { ok: true, reason: 'it is one statement' };
      const ok = isNegated(stated) === (polarity === 'no');
      return {
        ok,
        reason: ok ? `what follows ${polarity} agrees with it` : `what follows ${polarity} says the opposite`,
      };
    },
    async verify({ key }, { request, rationale, answer }) {
      const row = byKey.get(key);
      if (row?.fate === 'learn' && row.answer !== answer)
        return { ok: false, reason: `it says ${answer}, the correction ${row.answer}` };
      const passage = row?.passage === undefined ? retrieve(request)?.passage : passages.get(row.passage.id);
      if (!passage) {
        // A person let it through although no policy has it: then there is the correction and nothing else.
        return row?.fate === 'learn' && row.decidedBy !== undefined
          ? { ok: true, reason: `it says what ${row.decidedBy} confirmed` }
          : { ok: false, reason: 'no policy passage is about the request' };
      }
      const { outcome, reason } = accuracyOf({ names, common }, passage, row?.request ?? request, rationale);
      if (outcome === 'supported') return { ok: true, reason };
      return row?.decidedBy === undefined
        ? { ok: false, reason }
        : { ok: true, reason: `${row.decidedBy} confirmed it` };
    },
    probe: (kind, { prompt }) => (kind === 'wrong-answer' ? byKey.get(prompt.key)?.before : undefined),
    ...(task.critics === undefined ? {} : { critics: supportCritics(task.critics, library, standings) }),
    benchmarks: [
      ...task.benchmarks.map((benchmark): Benchmark => ({
        name: benchmark.name,
        role: benchmark.role,
        items: () => heldOut(benchmark, library),
      })),
      ...(rows.some(({ fate }) => fate === 'hold')
        ? [{ name: RELAPSES, role: 'guard' as const, items: () => relapses(task, rows, library) }]
        : []),
    ],
    suggested: {
      sampling: { samples: 5, resamples: 0 },
      benchmark: { majority: false },
      gates: {
        // What both the correction and the policy say needs no majority: one sample that says it is enough.
        policy: { agreement: 'advisory' },
        // Critics are asked where the task file has some; each counts as far as it was measured.
        critique: { mode: task.critics === undefined ? 'off' : 'auto' },
      },
    },
    maxTokens: task.maxTokens,
  };
}
