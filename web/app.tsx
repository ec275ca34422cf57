/** The web page as a Hono app: everything but the listening, so that tests can call it in their own process. */
import { Said } from '../app/html/parts.ts';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { errorMessage } from '../process/errors.ts';
import { assets } from './assets.ts';
import { addressProblem } from '../process/access.ts';
import { redactError } from '../process/secrets.ts';
import { createCache, createCounter } from './cache.ts';
import type { Deps } from './deps.ts';
import { createLive, isTopic } from './live.ts';
import { ErrorPage } from './parts/layout.tsx';
import { frameOf, page, PageError, type WebEnv } from './render.ts';
import { checkpointRoutes } from './routes/checkpoints.tsx';
import { compareRoutes } from './routes/compare.tsx';
import { iterationRoutes } from './routes/iteration.tsx';
import { learnersRoutes } from './routes/learners.tsx';
import { memoryRoutes } from './routes/memory.tsx';
import { reviewRoutes } from './routes/review.tsx';
import { discoverRoutes } from './routes/discover.tsx';
import { launchRoutes } from './routes/launch.tsx';
import { mayAsk, visitorOf } from './roles.ts';
import { runRoutes } from './routes/run.tsx';
import { runsRoutes } from './routes/runs.tsx';
import { sampleRoutes } from './routes/sample.tsx';
import { schedulesRoutes } from './routes/schedules.tsx';
import { servingRoutes } from './routes/serving.tsx';
import { sessionRoutes } from './routes/session.tsx';
import { sessionsRoutes } from './routes/sessions.tsx';
import { steerRoutes } from './routes/steer.tsx';
import { studiesRoutes } from './routes/studies.tsx';
import { headers, knownHost, writesFromHere } from './security.ts';

const BODY_BYTES = 256 * 1024;
/** What a visitor who has not logged in may see. */
const OPEN = /^\/(assets\/[^/]+|login|healthz)$/;

export function createApp(deps: Deps): Hono<WebEnv> {
  const app = new Hono<WebEnv>();
  const remember = createCache();
  const count = createCounter();
  const live = createLive(deps.db);

  app.use(headers);
  app.use(knownHost(deps.settings));
  app.use(async (c, next) => {
    const problem = addressProblem(c.req.url);
    return problem ? c.text(`The address ${problem}.\n`, 400) : next();
  });
  app.use(writesFromHere);
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES,
      // The rest of the body is not read, so nothing else can be asked over this connection.
      onError: (c) =>
        c.text(`Refused: a request may have ${BODY_BYTES} bytes.\n`, 413, { connection: 'close' }),
    }),
  );
  app.use(async (c, next) => {
    if (OPEN.test(c.req.path)) return next();
    const visitor = await visitorOf(c, deps.db, deps.settings);
    if (visitor) {
      c.set('visitor', visitor);
      if (mayAsk(visitor.role, c.req.method, c.req.path)) return next();
      const text = 'Your token lets you look and review. This needs the token of those who operate.';
      if (!(c.req.header('accept') ?? '').includes('text/html')) return c.text(`${text}\n`, 403);
      return page(
        c,
        <ErrorPage status={403} title="Not yours to do" text={text} {...frameOf(c, deps)} />,
        403,
      );
    }
    const forPerson = c.req.method === 'GET' && (c.req.header('accept') ?? '').includes('text/html');
    const url = new URL(c.req.url);
    if (forPerson) return c.redirect(`/login?to=${encodeURIComponent(url.pathname + url.search)}`);
    return c.text('Log in first, or send the token as Authorization: Bearer.\n', 401);
  });

  app.use(async (c, next) => {
    if (c.req.method !== 'POST') return next();
    // It is kept: the routes get the same form.
    const form = await c.req.parseBody().catch(() => undefined);
    return form ? next() : c.text('Refused: the form cannot be read.\n', 400);
  });

  app.get('/healthz', (c) => c.text('ok\n'));
  app.route('/assets', assets());
  app.route('/', sessionRoutes(deps));
  app.get('/events', (c) => {
    const topic = c.req.query('topic') ?? '';
    if (!isTopic(topic))
      return c.text('Give a topic: runs, reviews, or run: or review: and the id of a run.\n', 400);
    return live.stream(c, topic);
  });
  app.route('/', runsRoutes(deps, remember));
  app.route('/', checkpointRoutes(deps));
  app.route('/', servingRoutes(deps, remember));
  app.route('/', compareRoutes(deps, remember));
  app.route('/', runRoutes(deps, remember, count));
  app.route('/', iterationRoutes(deps, count));
  app.route('/', sampleRoutes(deps));
  app.route('/', learnersRoutes(deps));
  app.route('/', memoryRoutes(deps));
  app.route('/', studiesRoutes(deps));
  app.route('/', steerRoutes(deps));
  app.route('/', reviewRoutes(deps));
  app.route('/', launchRoutes(deps));
  app.route('/', discoverRoutes(deps));
  app.route('/', schedulesRoutes(deps));
  app.route('/', sessionsRoutes(deps));

  app.notFound((c) =>
    page(
      c,
      <ErrorPage
        status={404}
        title="Nothing here"
        text="There is no page at this address."
        theme={frameOf(c, deps).theme}
      />,
      404,
    ),
  );
  app.onError((error, c) => {
    const { theme } = frameOf(c, deps);
    if (error instanceof PageError)
      return page(
        c,
        <ErrorPage
          status={error.status}
          title={error.title}
          text={<Said text={error.message} />}
          theme={theme}
        />,
        error.status,
      );
    console.error(redactError(error));
    return page(
      c,
      <ErrorPage
        status={500}
        title="Something went wrong"
        text={<Said text={errorMessage(error)} />}
        theme={theme}
      />,
      500,
    );
  });
  return app;
}
