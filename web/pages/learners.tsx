/** The learners of a run that tutors: what explains the answers of each, what to ask next, what to practise. */
import { Empty, Said } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import { learnerTable } from '../../app/report/tables/learners.ts';
import { learnerSentence, type LearnerDetail, type LearnerReport } from '../../app/tutor/learners.ts';
import { learnerCard } from '../../app/tutor/page.ts';
import type { Catalogue } from '../../tasks/tutor/catalogue.ts';
import { runPath } from '../parts/basics.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';

export type LearnersData = {
  run: string;
  report: LearnerReport;
  /** Those of this page. */
  shown: LearnerDetail[];
  catalogue: Catalogue;
};

export const LearnersPage = ({ frame, data }: { frame: Partial<Frame>; data: LearnersData }) => {
  const { run, report, shown, catalogue } = data;
  return (
    <Layout {...frame} title="Learners" section="/">
      <p class="crumbs">
        <a href={runPath(run)}>
          <Said text={run} most={80} />
        </a>
      </p>
      <h1>Learners</h1>
      <p class="help">{learnerSentence(report)}</p>
      <div class="stack">
        {report.rows.length === 0 ? (
          <Empty>There are none.</Empty>
        ) : (
          <DataTable {...learnerTable(report.rows)} />
        )}
        {shown.map((one) => learnerCard(one, catalogue))}
      </div>
      {shown.length < report.learners ? (
        <p class="help">{report.learners - shown.length} more: ratchet diagnose shows each.</p>
      ) : null}
    </Layout>
  );
};
