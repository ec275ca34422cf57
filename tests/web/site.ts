/** The web page as a visitor meets it: served at a port, looked at with a real browser that is watched for every misstep. */
import { once } from 'node:events';
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { serve, type ServerType } from '@hono/node-server';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { createApp } from '../../web/app.tsx';
import type { Deps } from '../../web/deps.ts';

export type Site = { url: string; deps: Deps; close(): Promise<void> };

/** Serves the pages of a database. Without `temporal`, steering says that Temporal does not answer. */
export async function startSite(db: Db, options: Partial<Omit<Deps, 'db'>> = {}): Promise<Site> {
  const deps: Deps = {
    db,
    settings: { token: undefined, names: [] },
    temporal: () =>
      Promise.reject(new Error('Temporal does not answer at nowhere. Start it with: ratchet up')),
    ui: { temporalUi: 'http://127.0.0.1:8233', namespace: 'default' },
    operator: 'ada',
    ...options,
  };
  const server: ServerType = serve({ fetch: createApp(deps).fetch, hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    deps,
    async close() {
      if ('closeAllConnections' in server) server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

export type Visit = {
  page: Page;
  /** Goes to a path of the site and waits until its scripts have run. */
  go(path: string): Promise<void>;
  /** Console errors, failed scripts, and requests that left the site. */
  problems: string[];
  close(): Promise<void>;
};

export const DESK = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 800 };

export async function visit(
  browser: Browser,
  site: Site,
  options: { size?: typeof DESK; scheme?: 'light' | 'dark' } = {},
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: options.size ?? DESK,
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${site.url}/`) && !url.startsWith('data:')) problems.push(`asked for ${url}`);
  });
  return {
    page,
    problems,
    async go(path) {
      await page.goto(site.url + path);
      await page.locator('html[data-ready="true"]').waitFor();
    },
    close: () => context.close(),
  };
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

type Axe = {
  run(): Promise<{
    violations: { id: string; impact: string; nodes: { html: string; any: { message: string }[] }[] }[];
  }>;
};

/** Serious and critical findings of axe-core, in words. */
export async function accessProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run());
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, any }) => `${id}: ${html.slice(0, 160)} ${any.map((one) => one.message).join('; ')}`,
      ),
    );
}

export async function expectNoSidewaysScroll(page: Page, where = page.url()): Promise<void> {
  const [content, window] = await page.evaluate<number[]>(
    '[document.documentElement.scrollWidth, innerWidth]',
  );
  expect(content, where.slice(0, 200)).toBeLessThanOrEqual(window!);
}

/** Where pictures lie: RATCHET_SCREENSHOTS, else a folder that git ignores. */
const pictures = resolve(process.env.RATCHET_SCREENSHOTS || '.ratchet/screenshots', 'web');

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

/** Looks at one path at a desk and on a phone, in light and in dark: no error, no serious finding, no sideways scroll. */
export async function inspect(browser: Browser, site: Site, path: string, name: string): Promise<void> {
  for (const [where, size] of Object.entries({ desk: DESK, phone: PHONE })) {
    for (const scheme of ['light', 'dark'] as const) {
      const seen = await visit(browser, site, { size, scheme });
      await seen.go(path);
      await picture(seen.page, `${name}-${where}-${scheme}`);
      expect(await accessProblems(seen.page), `${path} ${where} ${scheme}`).toEqual([]);
      await expectNoSidewaysScroll(seen.page);
      expect(seen.problems, `${path} ${where} ${scheme}`).toEqual([]);
      await seen.close();
    }
  }
}
