import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GATES, gatesMarkdown } from '../../gates/index.ts';
import { PRESETS } from '../../loop/presets.ts';

const page = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8');
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const rowOf = (name: string) => rows.find((row) => row.startsWith(`| \`${name}\` |`));

it('docs/gates.md has the table of `ratchet settings --gates`', () => {
  expect(page).toContain(`\n\n${gatesMarkdown()}\n\n`);
  expect(rowOf('critique')).toContain('`gates.critique.min` (0.5) | required where the critic proves able');
});

it('docs/gates.md names every preset with its source', () => {
  for (const [name, { source }] of Object.entries(PRESETS)) {
    const [authors] = source.split(',');
    expect(rowOf(name), name).toContain(authors);
    expect(rowOf(name), name).toContain(source.slice(source.indexOf('arXiv')));
  }
  expect(rows).toHaveLength(GATES.length + Object.keys(PRESETS).length);
});
