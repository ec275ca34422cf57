/** The frame of every page. */
import type { Child } from 'hono/jsx';
import type { WebRole } from '../../db/schema.ts';
import type { Topic } from '../live.ts';

/** Pages that can be reached from everywhere, in their order. `key` is pressed after g. */
const NAVIGATION: { title: string; path: string; key: string; operates?: boolean }[] = [
  { title: 'Runs', path: '/', key: 'r' },
  { title: 'Review', path: '/review', key: 'v' },
  { title: 'Checkpoints', path: '/checkpoints', key: 'c' },
  { title: 'Memory', path: '/memory', key: 'm' },
  { title: 'Studies', path: '/studies', key: 'd' },
  { title: 'Launch', path: '/launch', key: 'l', operates: true },
  { title: 'Schedules', path: '/schedules', key: 's' },
];

export type Theme = 'light' | 'dark' | undefined;
export type Frame = {
  title: string;
  /** The navigation entry that the page belongs to. */
  section?: string;
  theme?: Theme;
  /** What the page shows; when that changes, its parts with `data-live` are drawn anew. */
  topic?: Topic;
  /** Is there somebody to log out? */
  session?: boolean;
  /** What they may do, where tokens say. */
  role?: WebRole;
};

const Icon = () => (
  <svg class="logo" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
    <path
      d="M4 20 L4 15.5 L9 15.5 L9 11 L14 11 L14 6.5 L19.5 6.5"
      fill="none"
      stroke="currentColor"
      stroke-width="2.4"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
    <path
      d="M15.8 2.8 L20 6.5 L15.8 10.2"
      fill="none"
      stroke="currentColor"
      stroke-width="2.4"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  </svg>
);

export const Layout = ({
  title,
  section,
  theme,
  topic,
  session,
  role,
  children,
}: Frame & { children?: Child }) => (
  <html lang="en" data-theme={theme}>
    <head>
      <meta charset="utf-8" />
      <title>{title} · Ratchet</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/assets/uplot.css" />
      <link rel="stylesheet" href="/assets/base.css" />
      <link rel="stylesheet" href="/assets/app.css" />
      <link rel="stylesheet" href="/assets/review.css" />
      <link rel="stylesheet" href="/assets/forms.css" />
      <link rel="stylesheet" href="/assets/checkpoints.css" />
      <script type="module" src="/assets/app.js"></script>
    </head>
    <body data-topic={topic} data-role={role}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <div class="wide">
          <a class="brand" href="/">
            <Icon />
            Ratchet
          </a>
          <nav aria-label="Pages">
            {NAVIGATION.filter((one) => role !== 'review' || !one.operates).map((one) => (
              <a href={one.path} aria-current={section === one.path ? 'page' : undefined} data-go={one.key}>
                {one.title}
              </a>
            ))}
          </nav>
          <div class="tools">
            {topic ? (
              <span class="live" data-live-state="" role="status">
                <i></i>
                <span>live</span>
              </span>
            ) : null}
            <button
              type="button"
              class="quiet"
              data-keys=""
              aria-label="Keyboard shortcuts"
              title="Keyboard shortcuts (?)"
            >
              ?
            </button>
            <button
              type="button"
              class="quiet"
              data-theme-switch=""
              aria-label="Light or dark"
              title="Light or dark"
            >
              ◐
            </button>
            {session && role === 'operate' ? (
              <a class="quiet" href="/sessions" title="Who is logged in">
                Sessions
              </a>
            ) : null}
            {session ? (
              <form method="post" action="/logout">
                <button class="quiet">Log out</button>
              </form>
            ) : null}
          </div>
        </div>
      </header>
      <main id="main" class="wide" tabindex={-1}>
        {children}
      </main>
      <dialog id="dialog" aria-labelledby="dialog-title"></dialog>
    </body>
  </html>
);

/** A page that says what is wrong and what to do. */
export const ErrorPage = ({
  status,
  title,
  text,
  theme,
  role,
  session,
}: {
  status: number;
  title: string;
  text: Child;
  theme?: Theme;
  role?: WebRole;
  session?: boolean;
}) => (
  <Layout title={title} theme={theme} role={role} session={session}>
    <section class="notice">
      <p class="status">{status}</p>
      <h1>{title}</h1>
      <p>{text}</p>
      <p>
        <a href="/">All runs</a>
      </p>
    </section>
  </Layout>
);
