import { startPlace } from './harness/place.ts';
import { runRogue } from './harness/rogue.ts';
import { ROGUES } from './rogues/index.ts';
delete process.env.DATABASE_URL;
const place = await startPlace();
const left = ROGUES.filter((r) => !process.argv[2] || r.name.includes(process.argv[2]));
const t = performance.now();
await Promise.all(
  [1, 2, 3].map(async () => {
    for (let rogue = left.shift(); rogue; rogue = left.shift()) {
      const { defended, undefended, rogue: _, ...rest } = await runRogue(place, rogue);
      console.log(rogue.name, rest);
      for (const e of [defended, undefended]) {
        if (!e) continue;
        const { accepted, trained, jobs, measured, promotions } = e;
        console.log(
          '   ',
          JSON.stringify({ accepted, trained, jobs, measured, promotions }),
          e.report.status,
          e.report.statusReason,
          e.report.iterations.map((i) => [i.decision, i.reason]),
        );
      }
    }
  }),
);
console.log('all', (performance.now() - t) / 1000);
await place.stop();
process.exit(0);
