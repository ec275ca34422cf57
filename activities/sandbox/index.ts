/** What workers of the sandbox's queue do. They have no database. */
import { describeImage } from './describe-image.ts';
import { runChecks } from './run-checks.ts';
import { simulate } from './simulate.ts';

export const sandboxActivities = { describeImage, runChecks, simulate };
export type SandboxActivities = typeof sandboxActivities;
