/** Decisions, changes of course and messages in the order of time. */
import { html } from 'hono/html';
import { change, decisionWord } from '../wording.ts';
import type { PageData } from './data.ts';
import { Card, Chip, Said, type Html, type Tone } from '../../html/parts.ts';
import { note, time } from './parts.ts';

type Event = { at: string; tone: Tone; what: string | Html; by: string; text: string };

function eventsOf({ report, decidedAt }: PageData): Event[] {
  const decided = report.iterations.flatMap((one): Event[] => {
    const at = decidedAt.get(one.iteration);
    if (!at || !one.decision) return [];
    // Why is told with the decisions.
    const text = one.target ? `target ${change(one.before, one.target)}` : (one.reason ?? '');
    const tone = one.decision === 'promote' ? 'good' : 'idle';
    return [{ at, tone, what: decisionWord(one), by: `iteration ${one.iteration}`, text }];
  });
  const changes = report.course.map((one): Event => {
    const what = one.kind === 'reset' ? 'reset' : `course: ${one.kind}`;
    return {
      at: one.at,
      tone: 'warn',
      what,
      by: `${one.cause}, from iteration ${one.iteration}`,
      text: one.reason,
    };
  });
  const messages = report.messages.map((one): Event => {
    const text = `${one.accepted ? '' : 'refused: '}${one.answer}`;
    return {
      at: one.at,
      tone: 'run',
      what: Said({ text: one.name, most: 60 }),
      by: `message from ${one.from}`,
      text,
    };
  });
  return [...decided, ...changes, ...messages].sort((a, b) => a.at.localeCompare(b.at));
}

export function timeline(data: PageData): Html {
  const events = eventsOf(data);
  return Card({
    id: 'timeline',
    title: 'Timeline',
    note: 'decisions, changes of course and messages',
    children:
      events.length === 0
        ? note('Nothing has happened yet.')
        : html`<ol class="timeline">
            ${events.map(
              (one) =>
                html`<li>
                  ${time(one.at)} ${Chip({ tone: one.tone, children: one.what })}
                  <span
                    ><span class="muted">${Said({ text: one.by, most: 120 })}</span
                    ><br />${Said({ text: one.text, most: 600 })}</span
                  >
                </li> `,
            )}
          </ol>`,
  });
}
