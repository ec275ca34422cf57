/** The form that starts a run or makes a schedule: its fields are those of the input's schema. */
import { localTimeZone } from '../../app/schedules/spec.ts';
import type { SettingField } from '../../loop/setting-fields.ts';
import { fieldGroups, fieldNamed, FIRST } from '../launching.ts';
import { domId, Labelled, Text, Wrong, type Form } from '../parts/form.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';

const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

const TITLES: Record<string, string> = {
  task: 'Task',
  promptsFile: 'Prompts',
  iterations: 'Iterations',
  preset: 'Preset',
  seed: 'Seed',
  experiment: 'Contrast',
};

/** An empty control means that the task's suggestion or the default holds. */
const Control = ({ field, value, wrong }: { field: SettingField; value: string; wrong: boolean }) => {
  const standard = field.default === undefined ? '' : shown(field.default);
  const common = {
    id: domId(field.path),
    name: field.path,
    'aria-invalid': wrong ? ('true' as const) : undefined,
    'aria-describedby': wrong ? `${domId(field.path)}-problem` : undefined,
  };
  if (field.kind === 'choice' || field.kind === 'boolean') {
    const choices = field.choices ?? ['true', 'false'];
    return (
      <select {...common}>
        <option value="">{standard ? `${standard} (default)` : 'default'}</option>
        {choices.map((choice) => (
          <option value={choice} selected={choice === value}>
            {choice}
          </option>
        ))}
      </select>
    );
  }
  if (field.kind === 'json')
    return (
      <textarea {...common} rows={2} spellcheck={false} placeholder={standard}>
        {value}
      </textarea>
    );
  const numeric = field.kind === 'integer' ? 'numeric' : field.kind === 'number' ? 'decimal' : undefined;
  return (
    <input
      {...common}
      value={value}
      placeholder={standard}
      inputmode={numeric}
      autocomplete="off"
      spellcheck={false}
    />
  );
};

const Setting = ({ field, title, form }: { field: SettingField; title?: string; form: Form }) => {
  const problem = form.problems.get(field.path);
  const bounds =
    field.min !== undefined && field.max !== undefined
      ? `${field.min} to ${field.max.toLocaleString('en-US')}`
      : '';
  return (
    <Labelled
      name={field.path}
      title={title ?? field.path}
      help={[field.help, bounds].filter(Boolean).join(' · ')}
      problem={problem}
    >
      <Control field={field} value={form.values[field.path] ?? ''} wrong={problem !== undefined} />
    </Labelled>
  );
};

const RHYTHMS = { weekly: 'weekly', daily: 'daily', every: 'at intervals', cron: 'by a cron expression' };

const When = ({ form }: { form: Form }) => {
  const { values, problems } = form;
  const scheduled = values.when === 'schedule';
  return (
    <section class="card" aria-labelledby="when">
      <header>
        <h2 id="when">When</h2>
      </header>
      <div class="choices" role="radiogroup" aria-label="When">
        <label class="inline">
          <input type="radio" name="when" value="now" checked={!scheduled} />
          now
        </label>
        <label class="inline">
          <input type="radio" name="when" value="schedule" checked={scheduled} />
          on a schedule
        </label>
      </div>
      <div class="settings scheduled">
        <Labelled name="rhythm" title="Rhythm" problem={problems.get('rhythm')}>
          <select id={domId('rhythm')} name="rhythm">
            {Object.entries(RHYTHMS).map(([name, words]) => (
              <option value={name} selected={values.rhythm === name}>
                {words}
              </option>
            ))}
          </select>
        </Labelled>
        <Text name="days" title="Days" placeholder="Sun" help="Sun, or Mon,Thu" form={form} />
        <Text name="time" title="Time" placeholder="03:00" form={form} />
        <Text name="every" title="Interval" placeholder="12h" help="30m, 6h, 2d" form={form} />
        <Text name="cron" title="Cron" placeholder="0 3 * * 1" help="five fields" form={form} />
        <Text name="timezone" title="Time zone" placeholder={localTimeZone()} help="IANA name" form={form} />
        <Text
          name="catchUp"
          title="Catch-up"
          placeholder="1d"
          help="how late a run may begin after an outage"
          form={form}
        />
      </div>
      <p class="help scheduled">
        A scheduled run begins at the checkpoint that the task serves and draws only prompts that no run has
        used. One that is due while the last is still going is skipped; one that fails pauses the schedule.
      </p>
    </section>
  );
};

export const LaunchPage = ({ frame, form }: { frame: Partial<Frame>; form: Form }) => {
  const { problems } = form;
  const groups = fieldGroups();
  return (
    <Layout {...frame} title="Launch" section="/launch">
      <div class="heading">
        <h1>Launch</h1>
      </div>
      <form method="post" action="/launch" class="launch">
        <Wrong problems={problems} />
        <section class="card" aria-labelledby="what">
          <header>
            <h2 id="what">What</h2>
            <small>An empty field takes the task's suggestion, else the default shown in it.</small>
          </header>
          <div class="settings">
            {FIRST.map((path) => (
              <Setting field={fieldNamed(path)} title={TITLES[path]} form={form} />
            ))}
            <Text
              name="id"
              title="Id"
              placeholder="made of task and time"
              help="of the run and its workflow, or of the schedule"
              form={form}
            />
          </div>
        </section>
        <When form={form} />
        <section class="card" aria-labelledby="all">
          <header>
            <h2 id="all">All settings</h2>
            <small>docs/configuration.md says the same</small>
          </header>
          {groups.map(([name, fields]) => {
            const given = fields.filter(({ path }) => (form.values[path] ?? '') !== '').length;
            const wrong = fields.some(({ path }) => problems.has(path));
            return (
              <details class="group" id={`group-${name}`} open={given > 0 || wrong}>
                <summary>
                  {name} <span class="muted">{given > 0 ? `${given} set` : fields.length}</span>
                </summary>
                <div class="settings">
                  {fields.map((field) => (
                    <Setting field={field} form={form} />
                  ))}
                </div>
              </details>
            );
          })}
        </section>
        <div class="actions">
          <button class="primary">Start</button>
        </div>
      </form>
    </Layout>
  );
};
