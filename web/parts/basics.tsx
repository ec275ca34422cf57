/** The small things that pages are made of. */
import type { Child } from 'hono/jsx';
import type { RunStatus } from '../../db/schema.ts';
import { duration, percent } from '../../cli/text.ts';
import type { Score } from '../../cli/report-types.ts';

export type Tone = 'run' | 'good' | 'warn' | 'bad' | 'idle';

/** @param alive it goes on this moment */
export const Chip = ({
  tone,
  children,
  title,
  alive = false,
}: {
  tone: Tone;
  children: Child;
  title?: string;
  alive?: boolean;
}) => (
  <span class={`chip ${tone}${alive ? ' alive' : ''}`} title={title}>
    {children}
  </span>
);

const STATUS: Record<RunStatus, Tone> = {
  running: 'run',
  paused: 'warn',
  parked: 'bad',
  completed: 'good',
  failed: 'bad',
  stopped: 'idle',
};

export const StatusChip = ({ status }: { status: RunStatus }) => (
  <Chip tone={STATUS[status]} alive={status === 'running'}>
    {status}
  </Chip>
);

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

/** The 95 % interval in brackets. */
export const Interval = ({ score }: { score: Score }) => (
  <span class="interval">
    {(100 * score.low).toFixed(1)}–{(100 * score.high).toFixed(1)}
  </span>
);

export const Rate = ({ score }: { score: Score | null }) =>
  score ? (
    <>
      {percent(score.rate)} <Interval score={score} />
    </>
  ) : (
    <>–</>
  );

/** A number with its name: `children` is the number. */
export const Figure = ({ label, children, note }: { label: string; children: Child; note?: Child }) => (
  <div class="figure">
    <dt>{label}</dt>
    <dd>
      {children}
      {note ? <small>{note}</small> : null}
    </dd>
  </div>
);

/** A share as a bar. Inline styles are forbidden, so its length is an attribute of an SVG. */
export const Bar = ({
  share,
  tone = 'run',
  label,
}: {
  share: number;
  tone?: Tone | 'accent';
  label?: string;
}) => {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return (
    <svg
      class={`bar ${tone}`}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      role="img"
      aria-label={label ?? percent(share, 0)}
    >
      <rect class="track" width="100" height="6" />
      <rect class="fill" width={width.toFixed(2)} height="6" />
    </svg>
  );
};

export const Took = ({ seconds }: { seconds: number | null }) => <span>{duration(seconds)}</span>;

export const Empty = ({ children }: { children: Child }) => <p class="empty">{children}</p>;

/** Stands where a number is still being counted; client/live.js asks again. */
export const Counting = () => (
  <p class="empty" data-pending="">
    Counting …
  </p>
);

export const runPath = (runId: string) => `/runs/${encodeURIComponent(runId)}`;
export const iterationPath = (runId: string, index: number) => `${runPath(runId)}/iterations/${index}`;

/** A line of a list of facts. */
export const Fact = ({ label, children }: { label: string; children: Child }) => (
  <>
    <dt>{label}</dt>
    <dd>{children}</dd>
  </>
);
