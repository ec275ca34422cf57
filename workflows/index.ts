/** Every function exported from here is a workflow type. Export nothing else. */
export { improve } from './improve.ts';
export { iteration } from './iteration.ts';
export { answer } from './answer.ts';
export { discover } from './discover.ts';
export { checks } from './checks.ts';
