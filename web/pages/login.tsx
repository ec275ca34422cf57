/** Asks for the token. */
import { Layout, type Frame } from '../parts/layout.tsx';

export const LoginPage = ({ frame, wrong, to }: { frame: Partial<Frame>; wrong: boolean; to: string }) => (
  <Layout {...frame} title="Log in">
    <form class="notice" method="post" action="/login">
      <h1>Log in</h1>
      <p>
        This page can be reached from other machines, so it asks for a token: RATCHET_WEB_TOKEN to operate,
        RATCHET_WEB_REVIEW_TOKEN to review.
      </p>
      {wrong ? (
        <p class="problem" role="alert">
          That is not the token.
        </p>
      ) : null}
      <label>
        Token
        <input type="password" name="token" autocomplete="current-password" required autofocus />
      </label>
      <input type="hidden" name="to" value={to} />
      <button class="primary">Log in</button>
    </form>
  </Layout>
);
