import type { ImproveInput } from '../../loop/input.ts';

/** The smallest run that goes through every stage: one iteration of the arithmetic task, without a critic. */
export function tinyRun(endpoint: { url: string }): ImproveInput {
  return {
    iterations: 1,
    check: 'off',
    pool: { prompts: 16, rehearsal: 4 },
    benchmark: { size: 'quick', majority: false },
    gates: { critique: { mode: 'off' } },
    probes: { mode: 'off' },
    models: { generator: { baseURL: endpoint.url, model: 'adder' } },
    paging: { promptsPerPage: 10 },
  };
}
