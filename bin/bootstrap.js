#!/usr/bin/env node
// `npm run demo` and `npm test` on a fresh clone: the first argument names the command.
import { launch } from './launch.js';

await launch(process.argv.slice(2));
