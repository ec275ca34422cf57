import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runsLink, startLink, workflowLink } from '../../app/temporal.ts';
import { MESSAGE_NAMES } from '../../loop/messages.ts';
import { SEARCH_ATTRIBUTE } from '../../workflows/names.ts';

const ui = { temporalUi: 'http://127.0.0.1:8233/', namespace: 'my space' };
const page = 'http://127.0.0.1:8233/namespaces/my%20space/workflows';

test('links into the Temporal UI name the namespace and escape what they are given', () => {
  expect(workflowLink(ui, 'a/b')).toBe(`${page}/a%2Fb`);
  expect(startLink(ui, 'a&b')).toBe(
    `${page}/start-workflow?taskQueue=ratchet&workflowType=improve&workflowId=a%26b`,
  );
  const query = new URL(runsLink(ui, 'RatchetStage="parked"')!).searchParams.get('query');
  expect(query).toBe('WorkflowType="improve" AND RatchetStage="parked"');
  expect(new URL(runsLink(ui)!).searchParams.get('query')).toBe('WorkflowType="improve"');
});

test('there is no link where no UI is known', () => {
  const none = { temporalUi: undefined, namespace: 'default' };
  expect([workflowLink(none, 'a'), startLink(none, 'a'), runsLink(none)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('the page on the Temporal UI names every message and search attribute', () => {
  const text = readFileSync(new URL('../../docs/temporal-ui.md', import.meta.url), 'utf8');
  for (const name of MESSAGE_NAMES) expect(text).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'));
  for (const name of Object.values(SEARCH_ATTRIBUTE)) expect(text).toContain(`| \`${name}\` |`);
});
