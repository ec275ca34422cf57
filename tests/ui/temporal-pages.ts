/** What a person does in the Temporal UI, by the names that the pages show. Written for UI 2.42. */
import type { Locator, Page } from 'playwright-core';
import type { MessageName } from '../../loop/messages.ts';
import { until } from '../support/wait.ts';

/** Opens the form, which the link has filled in, and submits it with the input left empty. */
export async function startWorkflow(page: Page, link: string): Promise<void> {
  await page.goto(link);
  // The form asks who serves the queue; before that it is not ready to be sent.
  await page.getByText('Task Queue is Active').waitFor();
  await page.getByRole('button', { name: 'Start Workflow' }).click();
  await page.getByRole('link', { name: 'Workflow started successfully' }).click();
  await page.getByRole('tab', { name: /^History/ }).waitFor();
}

export const openTab = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click();

/** Waits until the current details, asked for anew as the page advises, match; the tab User Metadata is open. */
export async function waitForDetails(page: Page, wanted: RegExp, timeoutMs = 120_000): Promise<string> {
  let shown = '';
  try {
    return await until(
      `${wanted} in the current details`,
      async () => {
        await page.keyboard.press('r');
        await page.waitForTimeout(300);
        // A page has one frame of rendered Markdown for a summary, and a last one for the current details.
        const frame = page.frames().findLast((one) => one.url().includes('/render'));
        // The page may replace the frame while it is being read: it is looked for again.
        shown =
          (await frame
            ?.locator('main')
            .innerText()
            .catch(() => '')) ?? '';
        return wanted.test(shown) && shown;
      },
      timeoutMs,
    );
  } catch (error) {
    throw new Error(`${(error as Error).message}; they say:\n${shown}`, { cause: error });
  }
}

/** The rendered Markdown of the current details. */
export function detailsOf(page: Page): Locator {
  return page.locator('iframe[title="output"]').last().contentFrame().locator('main');
}

type MessageKind = 'signal' | 'update';
const WORDS = {
  signal: { menu: 'Send a Signal', select: 'Select a signal' },
  update: { menu: 'Send an Update', select: 'Select an update' },
};

async function openMessages(page: Page, kind: MessageKind): Promise<Locator> {
  await page.getByRole('button', { name: 'More Actions' }).click();
  await page.getByRole('menuitem', { name: WORDS[kind].menu }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: WORDS[kind].select }).click();
  return dialog;
}

/** The signals or updates that the dialog offers, each with its description; the dialog is closed again. */
export async function offered(page: Page, kind: MessageKind, look: () => Promise<void>): Promise<string[]> {
  const dialog = await openMessages(page, kind);
  const options = dialog.getByRole('option');
  await options.first().waitFor();
  await look();
  const texts = await options.allInnerTexts();
  await options.first().click();
  await dialog.getByRole('button', { name: 'Cancel' }).last().click();
  await dialog.waitFor({ state: 'hidden' });
  return texts;
}

async function submit(page: Page, kind: MessageKind, name: MessageName, input?: string): Promise<Locator> {
  const dialog = await openMessages(page, kind);
  await dialog.getByRole('option', { name: new RegExp(`^${name} `) }).click();
  if (input !== undefined) {
    await dialog.getByRole('textbox').last().click();
    await page.keyboard.insertText(input);
  }
  await dialog.getByRole('button', { name: 'Submit' }).click();
  return dialog;
}

/** Sends a signal or an update through the dialog. @param input JSON; none leaves the field empty */
export async function send(page: Page, kind: MessageKind, name: MessageName, input?: string): Promise<void> {
  const dialog = await submit(page, kind, name, input);
  await dialog.waitFor({ state: 'hidden' });
}

export const sendSignal = (page: Page, name: MessageName, input?: string): Promise<void> =>
  send(page, 'signal', name, input);

/** Sends an update that is impossible: the dialog says why, and stays until it is closed. */
export async function sendRefused(page: Page, name: MessageName, why: RegExp): Promise<void> {
  const dialog = await submit(page, 'update', name);
  await dialog.getByText(why).first().waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).last().click();
  await dialog.waitFor({ state: 'hidden' });
}

/** Makes search attributes columns of the list, in the place of the columns `instead`. */
export async function chooseColumns(page: Page, add: string[], instead: string[]): Promise<void> {
  await page.getByRole('navigation', { name: 'Workflows' }).getByRole('button').nth(1).click();
  for (const name of instead) await page.getByRole('button', { name: `Remove ${name} column` }).click();
  for (const name of add) await page.getByRole('button', { name: `Add ${name} column` }).click();
  await page.getByRole('button', { name: 'Close Workflows Table configuration' }).click();
  await page.getByRole('heading', { name: 'Configure Workflows Table' }).waitFor({ state: 'hidden' });
}

/** The cells of the workflow's row in the list. */
export async function rowOf(page: Page, workflowId: string): Promise<string[]> {
  const link = page.getByRole('link', { name: workflowId, exact: true });
  const row = page.getByRole('row').filter({ has: link });
  return (await row.getByRole('cell').allInnerTexts()).map((text) => text.trim());
}
