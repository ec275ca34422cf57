/**
 * Every command that the documentation shows is run here, as a user would type it, or stands with its reason in
 * exceptions.ts. A command of a kind that is known needs nothing more: `npx ratchet run …` is started, watched until it is under
 * way, and ended; anything else needs a step in steps.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/wait.ts';
import { EXCEPTIONS, exceptionFor } from './exceptions.ts';
import { ratchetWords, unknownParts } from './flags.ts';
import { mentionedCommands, misplacedCommands, shownCommands, type ShownCommand } from './sh-blocks.ts';
import { DocsStack } from './stack.ts';
import { ACT, END, READ, UP, type Step } from './steps.ts';

const shown = shownCommands();
const commands = [...new Set(shown.map(({ command }) => command))];
const steps = new Set([UP, ...[...READ, ...ACT, ...END].map(({ command }) => command)]);
/** Whose end is not waited for. */
const runs = commands.filter(
  (command) => command.startsWith('npx ratchet run ') && !steps.has(command) && !exceptionFor(command),
);
/** Lines of the shell alone, which need no explanation: they must succeed. */
const plain = commands.filter(
  (command) => /^(cd |echo |export |[a-z]+=\S*$)/.test(command) && !steps.has(command),
);
const places = (all: ShownCommand[]) => all.map(({ file, line, command }) => `${file}:${line}  ${command}`);

describe('what the documentation shows', () => {
  test('is run here, or stands in exceptions.ts with the reason', () => {
    const known = new Set([...steps, ...runs, ...plain]);
    expect(places(shown.filter(({ command }) => !known.has(command) && !exceptionFor(command)))).toEqual([]);
  });

  test('no step and no exception is left over from a command that is gone', () => {
    expect([...steps].filter((command) => !commands.includes(command))).toEqual([]);
    const used = new Set(commands.map(exceptionFor));
    expect(EXCEPTIONS.filter((one) => !used.has(one)).map(({ command }) => String(command))).toEqual([]);
    expect(commands.filter((command) => steps.has(command) && exceptionFor(command))).toEqual([]);
  });

  test('stands in blocks that are marked as sh', () => {
    expect(places(misplacedCommands()), 'begin the block with ```sh').toEqual([]);
  });

  test('is typed as it works in a clone: npx ratchet', () => {
    expect(places(shown.filter(({ command }) => command.startsWith('ratchet ')))).toEqual([]);
  });

  test('names no command and no flag that the command line does not know', () => {
    const unknown = [...shown, ...mentionedCommands()].flatMap((one) => {
      const words = ratchetWords(one.command);
      return words ? unknownParts(words).map((part) => ({ ...one, command: `no ${part}` })) : [];
    });
    expect(places(unknown)).toEqual([]);
  });
});

describe('on a machine where nothing is set up', () => {
  const stack = new DocsStack();

  beforeAll(async () => {
    await stack.start();
    await stack.up(UP);
    await stack.begin('demo', { iterations: 3 });
    await until('the finished run', async () => (await stack.status('demo')) === 'completed', 240_000);
  }, 420_000);
  afterAll(() => stack.stop());

  async function take({ command, says, code = 0, options, before, after }: Step): Promise<void> {
    await before?.(stack);
    const ended = await stack.type(command, options);
    expect(ended, command).toEqual({
      code: expect.toSatisfy((given: number) => [code].flat().includes(given), `exit code ${String(code)}`),
      output: typeof says === 'string' ? expect.stringContaining(says) : expect.stringMatching(says),
    });
    await after?.(stack, ended);
  }

  describe.concurrent('finds out', () => {
    for (const step of READ) test(step.command, () => take(step), 120_000);
  });

  describe('acts', () => {
    for (const step of ACT) test(step.command, () => take(step), 180_000);
    test.each(plain)('%s', (command) => take({ command, says: '' }));
    test.each(runs)('%s', (command) => startAndEnd(command), 180_000);
  });

  describe('ends', () => {
    for (const step of END) test(step.command, () => take(step), 120_000);
  });

  /** Types `run`, sees that a worker has taken the input and begun, leaves, and ends it. */
  async function startAndEnd(command: string): Promise<void> {
    const { code, output } = await stack.type(command, { interruptAt: 'Temporal UI  ' });
    expect(output).toMatch(/^Run \S+$/m);
    const runId = /^Run (\S+)$/m.exec(output)![1]!;
    if (!command.includes(' --detach')) {
      expect(output).toContain(`The run "${runId}" goes on.`);
      expect(code).toBe(130);
    }
    await until(`the worker to take ${runId}`, async () => (await stack.status(runId)) === 'running');
    await stack.end(runId);
  }
});
