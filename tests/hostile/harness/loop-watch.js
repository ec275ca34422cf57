// Preloaded into every process of the stack under test (NODE_OPTIONS): writes down the longest time for which its event loop was
// held by work of its own. Time of the thread's processor, not of the clock: a machine with too much to do is no fault of the loop.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

const folder = new URL(import.meta.url).searchParams.get('folder');
if (isMainThread && folder && process.threadCpuUsage) {
  const TICK_MS = 50;
  let longest = 0;
  let before = process.threadCpuUsage();
  // Reading the code and starting up is no service yet: it counts once the suite says so.
  let armed = false;
  setInterval(() => {
    const now = process.threadCpuUsage();
    const ms = (now.user + now.system - before.user - before.system) / 1000;
    before = now;
    if (!armed) return void (armed = existsSync(join(folder, 'armed')));
    if (ms <= longest) return;
    longest = ms;
    if (longest < 100) return;
    const name = (process.argv[1] ?? 'node').split('/').slice(-2).join('/');
    try {
      writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify({ name, longest }));
    } catch {
      // The folder goes when the suite has ended.
    }
  }, TICK_MS).unref();
}
