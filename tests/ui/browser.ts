/** A headless Chromium for tests of pages: the machine's own, since none comes with the dependencies. */
import { accessSync, constants, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Why tests with a browser are skipped, where they are. */
export const NO_CHROMIUM =
  'no Chromium on PATH (apt-get install chromium, or set RATCHET_CHROMIUM to its program)';

/** RATCHET_CHROMIUM, else the first one on PATH. */
export function findChromium(env: NodeJS.ProcessEnv = process.env): string | undefined {
  if (env.RATCHET_CHROMIUM) return env.RATCHET_CHROMIUM;
  const folders = (env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** Takes numbered pictures of the steps, into RATCHET_SCREENSHOTS or a folder for temporary files. */
export function screenshots(test: string): (page: Page, step: string) => Promise<void> {
  const given = process.env.RATCHET_SCREENSHOTS;
  const folder = given ? resolve(given, test) : mkdtempSync(join(tmpdir(), `ratchet-${test}-`));
  mkdirSync(folder, { recursive: true });
  let taken = 0;
  return async (page, step) => {
    taken += 1;
    const path = join(folder, `${String(taken).padStart(2, '0')}-${step}.png`);
    await page.screenshot({ path });
  };
}
