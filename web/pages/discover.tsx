/** The form that starts a study. */
import { POLICIES } from '../../tasks/discovery/choose.ts';
import { LAWS } from '../../tasks/discovery/laws.ts';
import { domId, Labelled, Text, Wrong, type Form } from '../parts/form.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';

export const DiscoverPage = ({ frame, form }: { frame: Partial<Frame>; form: Form }) => {
  const { values, problems } = form;
  return (
    <Layout {...frame} title="Begin a study" section="/studies">
      <p class="crumbs">
        <a href="/studies">Studies</a>
      </p>
      <div class="heading">
        <h1>Begin a study</h1>
      </div>
      <form method="post" action="/discover" class="launch">
        <Wrong problems={problems} />
        <section class="card" aria-label="What">
          <div class="settings">
            <Labelled
              name="of"
              title="Of"
              help="a built-in law, or the path of a simulator file (.yaml)"
              problem={problems.get('of')}
            >
              <input
                id={domId('of')}
                name="of"
                value={values.of ?? ''}
                list="laws"
                autocomplete="off"
                spellcheck={false}
                required
              />
              <datalist id="laws">
                {LAWS.map(({ name }) => (
                  <option value={name} />
                ))}
              </datalist>
            </Labelled>
            <Text name="budget" title="Experiments" placeholder="20" help="3 to 200" form={form} />
            <Labelled
              name="policy"
              title="Next experiment"
              help="the one that is expected to tell most, or any"
              problem={problems.get('policy')}
            >
              <select id={domId('policy')} name="policy">
                {POLICIES.map((policy) => (
                  <option value={policy} selected={values.policy === policy}>
                    {policy}
                  </option>
                ))}
              </select>
            </Labelled>
            <Text
              name="seed"
              title="Seed"
              placeholder="1"
              help="another law of the name, other noise"
              form={form}
            />
            <Text
              name="noise"
              title="Noise"
              placeholder="0.01"
              help="of a built-in law: a share of its typical value"
              form={form}
            />
            <Text
              name="id"
              title="Id"
              placeholder="made of name and time"
              help="of the study and its workflow"
              form={form}
            />
            <Labelled
              name="hypotheses"
              title="Hypotheses of your own"
              help="one expression a line, beside those of the grammar: k1 * sqrt(x / y)"
              problem={problems.get('hypotheses')}
            >
              <textarea id={domId('hypotheses')} name="hypotheses" rows={3} spellcheck={false}>
                {values.hypotheses ?? ''}
              </textarea>
            </Labelled>
          </div>
        </section>
        <div class="actions">
          <button class="primary">Start</button>
        </div>
      </form>
    </Layout>
  );
};
