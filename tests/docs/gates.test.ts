import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { GATE_NAMES } from '../../gates/gate.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { PRESETS } from '../../loop/presets.ts';

const page = readFileSync(new URL('../../docs/gates.md', import.meta.url), 'utf8');
const { gates } = improveInputSchema.parse({});
const rows = page.split('\n').filter((line) => line.startsWith('| `'));
const rowOf = (name: string) => rows.find((row) => row.startsWith(`| \`${name}\` |`));

it('docs/gates.md names every gate, with what it counts for by default', () => {
  for (const gate of GATE_NAMES) {
    const weight = gate === 'critique' ? gates.critique.mode : gates.policy[gate];
    const able = gate === 'critique' ? 'the critic proves able' : 'the task can verify';
    expect(rowOf(gate), gate).toContain(weight === 'auto' ? `required where ${able}` : `| ${weight} |`);
  }
});

it('docs/gates.md gives the defaults as they are', () => {
  const { agreement, length, critique, novelty, distribution, reward } = gates;
  expect(rowOf('agreement')).toContain(
    `\`gates.agreement.min\` (${agreement.min}), \`.max\` (${agreement.max}), \`.minMargin\` (${agreement.minMargin})`,
  );
  expect(rowOf('length')).toContain(`(${length.maxDeviations} MAD`);
  expect(rowOf('critique')).toContain(`\`gates.critique.min\` (${critique.min})`);
  expect(rowOf('novelty')).toContain(`\`gates.novelty.maxSimilarity\` (${novelty.maxSimilarity},`);
  expect(rowOf('distribution')).toContain(`(${distribution.maxDeviations} robust`);
  expect(rowOf('distribution')).toContain(`\`minExamples\` (${distribution.minExamples})`);
  expect(rowOf('reward')).toContain(`(${reward.min})`);
});

it('docs/gates.md names every preset with its source', () => {
  for (const [name, { source }] of Object.entries(PRESETS)) {
    const [authors] = source.split(',');
    expect(rowOf(name), name).toContain(authors);
    expect(rowOf(name), name).toContain(source.slice(source.indexOf('arXiv')));
  }
  expect(rows).toHaveLength(GATE_NAMES.length + Object.keys(PRESETS).length);
});
