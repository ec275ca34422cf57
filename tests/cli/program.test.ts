import { expect, test } from 'vitest';
import { createProgram, GROUPS } from '../../cli/main.ts';

const names = (program: Awaited<ReturnType<typeof createProgram>>) =>
  program.commands.map((one) => one.name());

test('a command is made by the group that names it, and by no other', async () => {
  const all = names(await createProgram());
  expect(all).toEqual(GROUPS.flatMap((group) => group.names));
  for (const group of GROUPS)
    for (const name of group.names) expect(names(await createProgram(name))).toEqual(group.names);
});

test('what is no command is looked for among all of them, so that a misspelt one is recognised', async () => {
  expect(names(await createProgram('statsu'))).toHaveLength(GROUPS.flatMap((group) => group.names).length);
  expect(names(await createProgram('--help'))).toContain('why');
});
