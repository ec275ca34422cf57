/** A few real samples of each kind, with what every gate said of them. */
import { html } from 'hono/html';
import type { PageData, ShownSample } from './data.ts';
import { Block, Card, Chip, OUTCOMES, Said, type Html } from '../../html/parts.ts';
import { note } from './parts.ts';

/** Characters of a text that are shown. */
const MOST = 1_200;

function verdictLine({ gate, outcome, advisory, reason }: ShownSample['verdicts'][number]): Html {
  return html`<li>
    ${Chip({ tone: OUTCOMES[outcome] ?? 'idle', children: outcome })}
    <span
      ><b>${Said({ text: gate, most: 60 })}</b
      >${advisory ? ' (advises only)' : ''}${reason ? html`: ${Said({ text: reason, most: 500 })}` : ''}</span
    >
  </li>`;
}

function voteText({ votedAnswer, votes, samples }: ShownSample): Html | '' {
  if (votes === null || samples === null) return '';
  return votedAnswer === null
    ? html` · no majority among ${samples} samples`
    : html` · the vote says ${Said({ text: votedAnswer, most: 80 })} (${votes} of ${samples})`;
}

/** Failures first: they are why. */
const ORDER = { fail: 0, unscored: 1, pass: 2 };

function sampleCard(one: ShownSample): Html {
  const right =
    one.right === null
      ? ''
      : one.right
        ? Chip({ tone: 'good', children: 'answer is right' })
        : Chip({ tone: 'warn', children: 'answer is wrong' });
  const verdicts = one.verdicts.toSorted((a, b) => ORDER[a.outcome] - ORDER[b.outcome]);
  return html`<article class="sample">
    <header>
      <b>sample ${one.sampleId}</b
      ><span class="muted">
        iteration ${one.iteration}${one.level === null ? '' : `, level ${one.level}`} ·
        ${Said({ text: one.rewrite, most: 60 })} · ${Said({ text: one.strategy, most: 60 })}</span
      >
      ${one.kind ? Chip({ tone: 'good', children: `accepted: ${one.kind}` }) : Chip({ tone: 'bad', children: 'rejected' })}
      ${right}
    </header>
    <h3>Prompt</h3>
    ${Block({ text: one.prompt, most: MOST, length: one.promptLength })}
    <h3>Rationale</h3>
    ${Block({ text: one.rationale, most: MOST, length: one.rationaleLength })}
    <p class="note">
      Answer read: ${one.answer === null ? 'none' : Said({ text: one.answer, most: 200 })}${voteText(one)}
    </p>
    <ul class="verdicts">
      ${verdicts.map(verdictLine)}
    </ul>
  </article> `;
}

export function examples({ accepted, rejected, report }: PageData): Html {
  return Card({
    id: 'examples',
    title: 'Examples, accepted and rejected',
    note: `${report.totals.examples} were accepted in all`,
    children: [
      note(
        html`Chosen by a digest of their ids, not by anybody: accepted ones of different prompts, and for each
          required gate a sample that it failed. The whole way of one: <code>ratchet why sample:ID</code>. All
          of them: <code>ratchet export</code>. Whether an answer is right is computed for this page where the
          task can tell.`,
      ),
      html`<div class="pairs">
        <div>
          <h3 class="side">Accepted</h3>
          ${
            accepted.length === 0
              ? note('No sample of an unlabeled prompt was accepted.')
              : accepted.map(sampleCard)
          }
        </div>
        <div>
          <h3 class="side">Rejected</h3>
          ${rejected.length === 0 ? note('No required gate failed a sample.') : rejected.map(sampleCard)}
        </div>
      </div>`,
    ],
  });
}
