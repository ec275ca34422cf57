/** What gates let pass, and what they did with planted samples, as text for a terminal. */
import type pc from 'picocolors';
import { addedUp, auditByGate, totalsOf, whatIsNeeded } from '../loop/audit.ts';
import type { Report } from './report-types.ts';
import { percent, plain, table, wrap, type Column } from './text.ts';

const columns = 100;
type Colors = ReturnType<typeof pc.createColors>;

export function gateTable(report: Report, c: Colors): string[] {
  const all = report.iterations.flatMap((one) => one.gates);
  const names = [...new Set(all.map((one) => one.gate))];
  if (names.length === 0) return [];
  const rows = names.map((name) => {
    const own = all.filter((one) => one.gate === name);
    const sum = (of: 'pass' | 'fail' | 'unscored') => own.reduce((total, one) => total + one[of], 0);
    const [pass, fail, unscored] = [sum('pass'), sum('fail'), sum('unscored')];
    const advisory = own.filter((one) => one.advisory).length;
    const word =
      advisory === 0 ? '' : advisory === own.length ? 'advises only' : 'advised only in some iterations';
    return [
      plain(name),
      String(pass),
      String(fail),
      String(unscored),
      percent(pass / (pass + fail + unscored)),
      word,
    ];
  });
  const head: Column[] = [
    { title: '' },
    ...['pass', 'fail', 'unscored', 'passed'].map((title): Column => ({ title, align: 'right' })),
    { title: '' },
  ];
  const [title, ...lines] = table(head, rows, '  ');
  return [
    c.bold('Gates, over all judged samples of unlabeled prompts'),
    c.dim(title!),
    ...lines,
    ...criticSentences(report).flatMap((line) => wrap(plain(line), columns - 2, '  ')),
    '',
  ];
}

/** Where the critic, which nobody asked for, was not listened to, and what to do for one that is; equal reasons once. */
export function criticSentences({ iterations }: Report): string[] {
  const doubted = iterations.filter((one) => one.criticAdvises !== null);
  return [...Map.groupBy(doubted, (one) => one.criticAdvises!)].map(
    ([reason, own]) =>
      `The critic only advised in iteration ${own.map((one) => one.iteration).join(', ')}: ${reason}. It is the model itself; name one that ` +
      'can judge (models.critic), or leave it out (gates.critique.mode: off).',
  );
}

/** How the gates did on planted bad samples: by kind, and gate by gate. */
export function auditTable(report: Report, c: Colors): string[] {
  const audits = report.iterations.flatMap(({ iteration, audit }) => (audit ? [{ iteration, audit }] : []));
  if (audits.length === 0) return [];
  const kinds = audits.flatMap(({ audit }) => audit.kinds);
  const gates = [...new Set(kinds.flatMap((kind) => kind.gates.map((one) => one.gate)))];
  const rows = [...Map.groupBy(kinds, (one) => one.kind)].map(([kind, own]) => {
    const { planted, caught } = totalsOf(own);
    const byGate = auditByGate(own);
    const failed = gates.map((name) => String(byGate.find((one) => one.gate === name)?.fail ?? '–'));
    return [kind, `${caught} of ${planted}`, percent(caught / planted), ...failed];
  });
  const head: Column[] = [
    { title: '' },
    { title: 'caught', align: 'right' },
    { title: '', align: 'right' },
    ...gates.map((title): Column => ({ title, align: 'right' })),
  ];
  const [title, ...lines] = table(head, rows, '  ');
  const under = audits.filter(({ audit }) => audit.outcome === 'failed' || audit.outcome === 'advised');
  const words = under.map(
    ({ iteration, audit: { caught, planted, minCatchRate, outcome } }) =>
      `Iteration ${iteration}: ${caught} of ${planted} caught, ${percent(minCatchRate)} are asked for; ` +
      `${outcome === 'failed' ? 'none of its examples is used' : 'the test only advises'}.`,
  );
  const needed = under.length > 0 ? whatIsNeeded(addedUp(kinds)) : undefined;
  return [
    c.bold('Planted bad samples: what the gates caught, and how many each gate failed'),
    c.dim(title!),
    ...lines,
    ...[...words, ...(needed ? [needed] : [])].flatMap((line) => wrap(line, columns - 2, '  ')),
    '',
  ];
}
