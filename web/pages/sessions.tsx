/** Who is logged in, and the end of it. */
import { DataTable } from '../../app/html/table.ts';
import type { WebSession } from '../../db/queries/sessions.ts';
import { Layout, type Frame } from '../parts/layout.tsx';

const TITLES = { operate: 'operates', review: 'reviews' } as const;

const when = (at: Date) => at.toISOString().slice(0, 16).replace('T', ' ');

const End = ({ id }: { id: number }) => (
  <form method="post" action="/sessions">
    <input type="hidden" name="end" value={String(id)} />
    <button class="quiet" aria-label={`End session ${id}`}>
      End
    </button>
  </form>
);

export const SessionsPage = ({
  frame,
  sessions,
  own,
}: {
  frame: Partial<Frame>;
  sessions: WebSession[];
  own: number | undefined;
}) => (
  <Layout {...frame} title="Sessions">
    <h1>Sessions</h1>
    <p>
      A session ends when it is ended here, when nobody has used it for a week, 30 days after it began, and
      when the token with which it began is changed.
    </p>
    {sessions.length === 0 ? <p>Nobody is logged in: visitors carry the token itself.</p> : null}
    <DataTable
      title="Sessions"
      rows={sessions}
      columns={[
        { title: 'Who', text: ({ id, role }) => (id === own ? `${TITLES[role]} (you)` : TITLES[role]) },
        { title: 'Browser', text: (one) => one.agent.slice(0, 60) },
        { title: 'Since (UTC)', text: (one) => when(one.createdAt) },
        { title: 'Last seen (UTC)', text: (one) => when(one.seenAt) },
        { title: '', html: ({ id }) => <End id={id} /> },
      ]}
    />
    {sessions.length > 0 ? (
      <form method="post" action="/sessions">
        <input type="hidden" name="end" value="others" />
        <button>End all others</button>
      </form>
    ) : null}
  </Layout>
);
