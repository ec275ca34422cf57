/** The fields of a run's input for people: in a terminal, and as docs/configuration.md. */
import type { SettingField } from '../../loop/setting-fields.ts';
import { markdownTable } from '../../loop/markdown.ts';
import { wrap } from '../../process/text.ts';

/** `integer 1–1000`, `number ≥ 0`, `none | ungated`. */
function valuesOf({ kind, choices, min, max }: SettingField): string {
  if (choices) return choices.join(' | ');
  if (min !== undefined && max !== undefined) return `${kind} ${min}–${max}`;
  if (min !== undefined) return `${kind} ≥ ${min}`;
  return max === undefined ? kind : `${kind} ≤ ${max}`;
}

function defaultOf({ default: value }: SettingField): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function renderSettings(fields: readonly SettingField[], columns: number): string {
  return fields
    .flatMap((field) => {
      const by = defaultOf(field);
      return [
        `${field.path}${by === undefined ? '' : ` = ${by}`}`,
        ...wrap(valuesOf(field), columns, '    '),
        ...(field.help ? wrap(field.help, columns, '    ') : []),
      ];
    })
    .join('\n');
}

const HEAD = `# Configuration

All fields of a run's input, made from its schema (\`loop/input.ts\`) by \`npx ratchet settings --markdown > docs/configuration.md\`.

\`--set PATH=VALUE\` sets one for \`ratchet run\` and \`ratchet schedule create\`; \`--input FILE\` takes a JSON object of them, and so does the
form of the Temporal UI. What the input says comes first, then the \`preset\`, then what the task suggests, then the defaults below. The
resolved whole is stored with the run. \`npx ratchet settings critique\` shows those with a word in them, \`--json\` the JSON Schema.`;

export function settingsMarkdown(fields: readonly SettingField[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const code = (text: string | undefined) => (text === undefined ? '' : `\`${cell(text)}\``);
  const groups = Map.groupBy(fields, ({ path }) => (path.includes('.') ? path.split('.')[0]! : 'run'));
  const sections = [...groups].map(([name, members]) =>
    [
      `## ${name}`,
      '',
      markdownTable(
        [
          { title: 'field', cell: ({ path }) => code(path) },
          { title: 'values', cell: (field) => cell(valuesOf(field)) },
          { title: 'default', cell: (field) => code(defaultOf(field)) },
          { title: 'what', cell: ({ help }) => cell(help ?? '') },
        ],
        members,
      ),
    ].join('\n'),
  );
  return `${[HEAD, ...sections].join('\n\n')}\n`;
}
