/** A page with one question or one answer, which scripts show as a dialog (client/dialogs.js). */
import { Said } from '../../app/html/parts.ts';
import type { Child } from 'hono/jsx';
import { Layout, type Frame } from './layout.tsx';

type Framed = { frame: Partial<Frame>; section: string; title: string };

export const Dialogue = ({ frame, section, title, children }: Framed & { children: Child }) => (
  <Layout {...frame} title={title} section={section}>
    <div class="notice card" data-dialog-content="">
      {children}
    </div>
  </Layout>
);

/** What became of a request, in one line or several; `back` is where the page leads that is read without scripts. */
export const Answer = ({
  back,
  answer,
  refused = false,
  ...framed
}: Framed & { back: string; answer: string | string[]; refused?: boolean }) => (
  <Dialogue {...framed}>
    <h2 id="dialog-title">{refused ? 'Not done' : framed.title}</h2>
    <div class={refused ? 'answer refused' : 'answer'} role="status">
      {[answer].flat().map((line) => (
        <p>
          <Said text={line} most={2000} />
        </p>
      ))}
    </div>
    <div class="actions">
      <a class="button" href={back} data-close="" autofocus>
        Close
      </a>
    </div>
  </Dialogue>
);
