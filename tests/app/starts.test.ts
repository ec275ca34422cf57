/** Each starting folder is copied under a name of its own and is a task as it stands; the one for code learns from a repository. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeBugs } from '../../app/code/make-bugs.ts';
import { STARTS, startTask } from '../../app/starts.ts';
import { actAsUser } from '../../tasks/access.ts';
import { readCodeTask } from '../../tasks/code/resolve.ts';
import { readSimulator } from '../../tasks/discovery/schema.ts';
import { loadTask, prepareTask, resolveTask } from '../../tasks/index.ts';
import { readYaml } from '../../tasks/yaml.ts';
import { judge } from '../support/code-repair.ts';
import { hasSandbox } from '../support/sandbox.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-starts-'));
beforeAll(() => actAsUser());
afterAll(() => rmSync(folder, { recursive: true }));

/** Of some something must be made first, and one is a study, which has no prompts. */
const OTHERS = new Set(['code', 'support', 'discovery']);

describe('a start', () => {
  it.each(Object.keys(STARTS).filter((kind) => !OTHERS.has(kind)))(
    '%s is a task as it stands, called as its folder is',
    async (kind) => {
      const { task } = await startTask(kind, join(folder, `my ${kind}`));
      const spec = await resolveTask(task);
      await prepareTask(spec);
      const loaded = loadTask(spec);
      expect(loaded.name).toBe(`my-${kind}`);
      const prompts = [];
      for await (const prompt of loaded.prompts({ seed: 1, count: 5, exclude: () => false }))
        prompts.push(prompt);
      expect(prompts).toHaveLength(5);
      expect(loaded.benchmarks.map(({ role }) => role)).toContain('target');
    },
  );

  it('discovery is a simulator whose files came along', async () => {
    const { task } = await startTask('discovery', join(folder, 'sound'));
    expect((await readSimulator(task)).name).toBe('sound');
    expect(readdirSync(join(folder, 'sound')).toSorted()).toEqual([
      'elements.jsonl',
      'elements.yaml',
      'measure.py',
    ]);
  });

  it('never writes over what is there, and leaves nothing half-made', async () => {
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full/notes.txt'), 'mine');
    await expect(startTask('words', join(folder, 'full'))).rejects.toThrow(
      /is not empty: name one that is not there/,
    );
    expect(readFileSync(join(folder, 'full/notes.txt'), 'utf8')).toBe('mine');
    await expect(startTask('words', join(folder, 'full/notes.txt'))).rejects.toThrow(/is no folder/);
    await expect(startTask('words', join(folder, 'full/notes.txt/deeper'))).rejects.toThrow(
      /can't be written/,
    );
    await expect(startTask('poems', join(folder, 'poems'))).rejects.toThrow(
      /there is no start "poems"; there are: words/,
    );
    await expect(startTask('words', join(folder, '…'))).rejects.toThrow(/no letter or digit/);
    expect(existsSync(join(folder, 'poems'))).toBe(false);
  });

  it('takes an empty folder, and quotes a name that YAML would read as something else', async () => {
    mkdirSync(join(folder, '2026'));
    const { task } = await startTask('words', join(folder, '2026'));
    expect((await resolveTask(task)).kind).toBe('file');
    expect(readFileSync(task, 'utf8')).toContain('\nname: "2026"\n');
  });
});

describe.skipIf(!hasSandbox)('a repository in ten lines of YAML', () => {
  it('is practised on and measured by, and its one real bug has a proof', async () => {
    const { task: file } = await startTask('code', join(folder, 'repair'));
    expect(readFileSync(file, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(10);
    const task = readCodeTask(await readYaml(file));
    const archives = join(folder, 'archives');
    const made = await makeBugs(task, { archives, seed: 1, say: () => {} });
    const sets = new Set(made.bugs.map(({ set }) => set));
    expect([...sets].toSorted()).toEqual(['final', 'practice', 'target']);
    const bug = made.bugs.find(({ planted }) => !planted)!;
    expect(bug.id).toBe('shop/report/fifty');
    const original = bug.shown[0]!.text;
    const say = (code: string) => judge({ task, archives, bug }, `\`\`\`python\n${code}\n\`\`\``);
    expect(await say(original)).toMatchObject({ ran: false, reason: 'unchanged' });
    expect(await say(original.replace('cents > coin', 'cents >= coin'))).toMatchObject({
      ok: true,
      ran: true,
    });
    expect(await say(original.replace('cents > coin', 'cents >= coin and coin != 2'))).toMatchObject({
      ok: false,
    });
  }, 240_000);
});
