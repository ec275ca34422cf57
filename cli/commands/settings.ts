import type { Command } from 'commander';
import { gatesMarkdown } from '../../gates/index.ts';
import { inputJsonSchema, settingFields } from '../../loop/setting-fields.ts';
import { UsageError } from '../../process/errors.ts';
import { renderSettings, settingsMarkdown } from '../render/settings.ts';

export function addSettingsCommand(program: Command): void {
  program
    .command('settings')
    .description('every field of a run, with its values and default')
    .argument('[word]', 'only fields with this word in their path or description')
    .option('--markdown', 'as docs/configuration.md')
    .option('--gates', 'the gates, as the table of docs/gates.md')
    .option('--json', 'the JSON Schema of the input')
    .addHelpText('after', '\nExamples:\n  ratchet settings\n  ratchet settings critique')
    .action((word: string | undefined, flags: { markdown?: boolean; gates?: boolean; json?: boolean }) => {
      if (flags.json) return console.log(JSON.stringify(inputJsonSchema(), null, 2));
      if (flags.gates) return console.log(gatesMarkdown());
      if (flags.markdown) return console.log(settingsMarkdown(settingFields()).trimEnd());
      const wanted = word?.toLowerCase() ?? '';
      const fields = settingFields().filter(({ path, help }) =>
        `${path} ${help ?? ''}`.toLowerCase().includes(wanted),
      );
      if (fields.length === 0)
        throw new UsageError(`No field has "${word}" in it. All of them: ratchet settings`);
      console.log(renderSettings(fields, process.stdout.columns ?? 100));
    });
}
