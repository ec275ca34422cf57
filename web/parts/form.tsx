/** Fields of a form with what was typed, and what is wrong with it. */
import { Said } from '../../app/html/parts.ts';
import type { Child } from 'hono/jsx';
import type { Problems, Values } from '../launching.ts';

export type Form = { values: Values; problems: Problems };

export const domId = (name: string) => `field-${name.replaceAll('.', '-')}`;

/** A field with its label, help and what is wrong with it. `children` is the control. */
export const Labelled = ({
  name,
  title,
  help,
  problem,
  children,
}: {
  name: string;
  title: string;
  help?: string;
  problem?: string;
  children: Child;
}) => (
  <div class={problem ? 'setting wrong' : 'setting'} data-setting={name}>
    <label for={domId(name)}>{title}</label>
    {children}
    {problem ? (
      <p class="problem" id={`${domId(name)}-problem`} role="alert">
        <Said text={problem} />
      </p>
    ) : null}
    {help ? <p class="help">{help}</p> : null}
  </div>
);

export const Text = ({
  name,
  title,
  help,
  placeholder,
  form,
}: {
  name: string;
  title: string;
  help?: string;
  placeholder?: string;
  form: Form;
}) => (
  <Labelled name={name} title={title} help={help} problem={form.problems.get(name)}>
    <input
      id={domId(name)}
      name={name}
      value={form.values[name] ?? ''}
      placeholder={placeholder}
      autocomplete="off"
      spellcheck={false}
    />
  </Labelled>
);

/** What is wrong with a form as a whole. */
export const Wrong = ({ problems }: { problems: Problems }) =>
  problems.size > 0 ? (
    <p class="banner bad" role="alert">
      {problems.get('') ? <Said text={problems.get('')!} /> : 'Nothing was started: see the marked fields.'}
    </p>
  ) : null;
