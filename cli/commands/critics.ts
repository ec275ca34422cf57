/** `critics`: measures the critics of a support task on its labelled replies. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { useStackModels } from '../../app/addresses.ts';
import { measureCritics } from '../../app/support/measure-critics.ts';
import { EndpointError, resolveEndpoint } from '../../models/endpoint.ts';
import { UsageError } from '../../process/errors.ts';
import { standingText } from '../../tasks/support/critics.ts';
import { readSupportTask } from '../../tasks/support/resolve.ts';
import { readYaml } from '../../tasks/yaml.ts';
import { readable } from '../readable.ts';

const help = `
Each critic of the task file (accuracy, tone, empathy) judges its own labelled replies, once and greedily. Runs listen to those that tell
bad replies from good ones better than chance (Fisher's exact test, p < 0.05), and say of the others why they only advise.

Example:
  ratchet critics my-support.yaml --model my-critic`;

export function addCriticsCommand(program: Command): void {
  program
    .command('critics')
    .description('measure the critics of a support task on its labelled replies')
    .argument('<task>', 'the task file (.yaml)')
    .option(
      '--model <name>',
      'which model judges (default: models.critic of the task file, or what is served)',
    )
    .option('--base-url <url>', 'where it answers (default: the same, or the local stack)')
    .addHelpText('after', help)
    .action(async (given: string, flags: { model?: string; baseUrl?: string }) => {
      useStackModels();
      const task = await readable(readYaml(resolve(given)).then(readSupportTask));
      const { critic } = task.models ?? {};
      const { baseUrl: baseURL, model } = flags;
      const settings = {
        ...critic,
        ...(baseURL === undefined ? {} : { baseURL }),
        ...(model === undefined ? {} : { model }),
      };
      try {
        const endpoint = resolveEndpoint('critic', settings, undefined);
        const standings = await readable(measureCritics(task, endpoint));
        await writeFile(task.critics!.measured, `${JSON.stringify(standings, undefined, 2)}\n`);
        for (const one of standings)
          console.log(`${one.critic}: ${one.able ? 'counts' : 'only advises'}, ${standingText(one)}`);
        console.log(`In ${task.critics!.measured}; runs that are started from now on go by it.`);
      } catch (error) {
        if (error instanceof EndpointError) throw new UsageError(error.message);
        throw error;
      }
    });
}
