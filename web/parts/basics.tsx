/** The small things of pages alone; what the report shares is in `app/html/parts.ts`. */
import { Chip, Said, type Tone } from '../../app/html/parts.ts';

const DECISIONS: Record<string, { tone: Tone; word: string }> = {
  promote: { tone: 'good', word: 'promoted' },
  discard: { tone: 'idle', word: 'discarded' },
  'nothing-to-train': { tone: 'warn', word: 'nothing to train' },
  skip: { tone: 'warn', word: 'given up' },
};

export const DecisionChip = ({ kind }: { kind: string | null }) => {
  if (kind === null)
    return (
      <Chip tone="run" alive>
        under way
      </Chip>
    );
  const { tone, word } = DECISIONS[kind] ?? { tone: 'idle', word: kind };
  return <Chip tone={tone}>{word}</Chip>;
};

/** A time as a person says it; the exact one on hover, and kept up to date by client/app.js. */
export const Ago = ({ at, now = new Date() }: { at: Date; now?: Date }) => (
  <time datetime={at.toISOString()} data-ago="" title={at.toISOString().replace('T', ' ').slice(0, 19)}>
    {ago((now.getTime() - at.getTime()) / 1000)}
  </time>
);

function ago(seconds: number): string {
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** Stands where a number is still being counted; client/live.js asks again. */
export const Counting = () => (
  <p class="empty" data-pending="">
    Counting …
  </p>
);

export const runPath = (runId: string) => `/runs/${encodeURIComponent(runId)}`;
export const memoryPath = (id: number): string => `/memory/${id}`;

export const iterationPath = (runId: string, index: number) => `${runPath(runId)}/iterations/${index}`;

export const RunLink = ({ id }: { id: string }) => (
  <a href={runPath(id)}>
    <Said text={id} most={60} />
  </a>
);

/** Where a link leads, and what it says. */
type Way = [href: string, text: string] | false | null | undefined;

/** Of a list that is shown a page at a time: back to its start, and on. */
export const Pages = ({ label, first, next }: { label: string; first: Way; next: Way }) => (
  <nav class="pages" aria-label={label}>
    {first ? <a href={first[0]}>{first[1]}</a> : <span></span>}
    {next ? (
      <a href={next[0]} rel="next">
        {next[1]}
      </a>
    ) : null}
  </nav>
);
