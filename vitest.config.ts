import { tmpdir } from 'node:os';
import { delimiter } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest files, which would keep the others waiting for their end if they came last. */
const LONG = [
  'chaos/matrix',
  'gallery/gallery',
  'web/pages',
  'workflows/steering',
  'workflows/long-run',
  'docs/commands',
  'chaos/kill-distil',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = LONG.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
      return at < 0 ? LONG.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    // Tests write their tasks into the temporary folder; workers that they start, in this process or another, read them there.
    env: {
      RATCHET_TASKS: process.env.RATCHET_TASKS ?? [tmpdir(), import.meta.dirname].join(delimiter),
      RATCHET_KEYS: [
        ...['GATEWAY_TEST_KEY', 'CHECK_TEST_KEY', 'CHECK_TEST_UNSET', 'NO_SUCH_KEY'].map(
          (name) => `${name}@127.0.0.1`,
        ),
        'RATCHET_TEST_KEY@critic',
      ].join(),
    },
    // The Temporal SDK's native part must not be shared between threads.
    pool: 'forks',
    sequence: { sequencer: LongFirst },
    // Most wait for timers and other processes: three keep two cores busy.
    maxWorkers: 3,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
});
