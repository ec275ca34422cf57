/**
 * Everything the loop saw or decided. Rows are only ever added; the few columns that change are states
 * of work in progress (run status, stage status, job status). Natural unique keys make every write
 * idempotent: the same page run twice inserts nothing the second time.
 */
export * from './schema/runs.ts';
export * from './schema/steering.ts';
export * from './schema/calls.ts';
export * from './schema/prompts.ts';
export * from './schema/samples.ts';
export * from './schema/ladder.ts';
export * from './schema/debates.ts';
export * from './schema/self-play.ts';
export * from './schema/variants.ts';
export * from './schema/probes.ts';
export * from './schema/outside.ts';
export * from './schema/examples.ts';
export * from './schema/reviews.ts';
export * from './schema/checkpoints.ts';
export * from './schema/benchmarks.ts';
export * from './schema/drift.ts';
export * from './schema/gateway.ts';
export * from './schema/sessions.ts';
export * from './schema/answers.ts';
export * from './schema/memory.ts';
export * from './schema/discovery.ts';
