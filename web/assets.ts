/** The files that pages load: ours and uPlot's, read once, by name; no path of a request ever reaches the disk. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Hono } from 'hono';

const require = createRequire(import.meta.url);
const own = (name: string) => new URL(`client/${name}`, import.meta.url);
const uplot = (name: string) => require.resolve(`uplot/dist/${name}`);

const FILES: Record<string, string | URL> = {
  'base.css': new URL('../app/html/base.css', import.meta.url),
  'app.css': own('app.css'),
  'review.css': own('review.css'),
  'forms.css': own('forms.css'),
  'checkpoints.css': own('checkpoints.css'),
  'app.js': own('app.js'),
  'charts.js': own('charts.js'),
  'live.js': own('live.js'),
  'dialogs.js': own('dialogs.js'),
  'keys.js': own('keys.js'),
  'review.js': own('review.js'),
  'icon.svg': own('icon.svg'),
  'uplot.js': uplot('uPlot.esm.js'),
  'uplot.css': uplot('uPlot.min.css'),
};

const TYPES: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

export function assets(): Hono {
  const files = new Map(
    Object.entries(FILES).map(([name, path]) => {
      const body = readFileSync(path);
      const etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
      return [name, { body, etag, type: TYPES[name.split('.').at(-1)!]! }];
    }),
  );
  return new Hono().get('/:name', (c) => {
    const file = files.get(c.req.param('name'));
    if (!file) return c.notFound();
    // Asked for again each time and answered in a line: a new version is never mixed with an old one.
    c.header('cache-control', 'no-cache');
    c.header('etag', file.etag);
    if (c.req.header('if-none-match') === file.etag) return c.body(null, 304);
    c.header('content-type', file.type);
    return c.body(new Uint8Array(file.body));
  });
}
