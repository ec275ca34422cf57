#!/usr/bin/env node
// The `ratchet` command, of a package or of a clone that may not have its dependencies yet.
import { launch } from './launch.js';

await launch(process.argv.slice(2));
