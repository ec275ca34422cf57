/**
 * A page in one HTML file that needs nothing else: no script, no request. Its policy forbids even what a hostile text might smuggle in.
 */
import { html, raw } from 'hono/html';
import { visibleString } from '../../../process/visible.ts';
import type { Html } from '../../html/parts.ts';
import { style } from './style.ts';

/** @param generator the command that wrote it */
export async function standalonePage({
  title,
  generator,
  body,
}: {
  title: string;
  generator: string;
  body: Html;
}): Promise<string> {
  const page = await html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="generator" content="${generator}" />
        <title>${visibleString(title)}</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <main>${body}</main>
      </body>
    </html> `;
  return String(page);
}
