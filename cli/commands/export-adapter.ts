/** `export --adapter`: the adapter itself, for whoever serves it. */
import type { Db } from '../../db/connect.ts';
import { useStackModels } from '../../app/addresses.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { checkHub, uploadToHub } from '../../app/exports/adapter/hub.ts';
import { exportAdapter, type AdapterExported } from '../../app/exports/adapter/write.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { plain } from '../../process/text.ts';

export type AdapterFlags = { adapter?: string; base?: string; hub?: string; public?: boolean };
/** Flags of the lines that train, which say nothing about an adapter. */
type Others = {
  format?: string;
  out?: string;
  iteration?: number;
  sameRequest?: boolean;
  checkpoint?: string;
};

export async function runAdapterExport(
  db: Db,
  given: string | undefined,
  flags: AdapterFlags & Others,
): Promise<number> {
  const others = {
    '--format': flags.format,
    '--out': flags.out,
    '--iteration': flags.iteration,
    '--same-request': flags.sameRequest,
  };
  for (const [name, value] of Object.entries(others))
    if (value !== undefined)
      throw new UsageError(`${name} is for examples, not for --adapter: leave it out.`);
  if (given !== undefined && flags.checkpoint !== undefined)
    throw new UsageError(`--checkpoint and "${plain(given)}" name different things: give one of them.`);
  if (flags.public && flags.hub === undefined) throw new UsageError('--public is for --hub ORG/NAME.');
  const hub = flags.hub === undefined ? undefined : { repository: flags.hub, public: flags.public ?? false };
  if (hub) checkHub(hub);
  useStackModels();
  const interrupt = listenForInterrupt();
  try {
    const done = await exportAdapter(db, {
      folder: flags.adapter!,
      what: given ?? flags.checkpoint,
      base: flags.base,
      signal: interrupt.signal,
    });
    console.log(summary(done));
    if (hub) console.log(`Uploaded: ${await uploadToHub(done.folder, hub, interrupt.signal)}`);
    return EXIT.ok;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    interrupt.dispose();
  }
}

function summary({ folder, checkpoint, run, base, from, sha256, bytes, measured }: AdapterExported): string {
  const size = bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    `Adapter of checkpoint ${checkpoint} (run ${plain(run)}) on ${base}: ${plain(folder)}`,
    `  weights     ${size}, sha256 ${sha256}`,
    `  from        ${plain(from)}`,
    `  checked     shapes, finite values; ${measured.same ? 'they are the weights that were measured' : `not that they are the measured weights: ${measured.why}`}`,
    '  README.md   has the proof, and how to load it in PEFT, vLLM, SGLang and llama.cpp',
  ].join('\n');
}
