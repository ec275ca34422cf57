/** What the sandbox found of a sample: what it changes, which tests fail, which mutants of it nothing catches. */
import { Block, Chip, Said } from '../../app/html/parts.ts';
import { detailLines, type SandboxWhy } from '../../app/lineage/sandboxed.ts';
import { SHOWN } from './answers.tsx';

export const Sandbox = ({ sandbox }: { sandbox: SandboxWhy }) => {
  const { ok, reason, behaviour, patch, details } = sandbox;
  const said = [details?.lint, details?.output].filter(Boolean).join('\n');
  return (
    <section class="card">
      <header>
        <h2>Sandbox</h2>
        <small>
          <Said text={behaviour ?? 'it does not vote'} most={200} />
        </small>
      </header>
      <p>
        <Chip tone={ok === null ? 'warn' : ok ? 'good' : 'bad'}>
          {ok === null ? 'nothing to verify' : ok ? 'holds' : 'does not hold'}
        </Chip>{' '}
        <Said text={reason} most={1000} />
      </p>
      {patch ? <Block text={patch} most={SHOWN} /> : null}
      <ul class="limits">
        {detailLines(sandbox).map((line) => (
          <li>
            <Said text={line} most={600} />
          </li>
        ))}
      </ul>
      {details && details.probes.length > 0 ? (
        <details id="probes">
          <summary>Calls, before and after</summary>
          <table>
            <thead>
              <tr>
                <th>call</th>
                <th>before</th>
                <th>after</th>
              </tr>
            </thead>
            <tbody>
              {details.probes.map((texts) => (
                <tr>
                  {texts.map((text) => (
                    <td>
                      <Said text={text} most={200} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      ) : null}
      {said ? (
        <details id="sandbox-output">
          <summary>What it printed</summary>
          <Block text={said} most={SHOWN} />
        </details>
      ) : null}
    </section>
  );
};
