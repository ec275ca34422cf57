/** What was experimented on, and one study as the report has it. */
import { Empty, Said } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import { studyParts } from '../../app/discovery/page.ts';
import type { ListedStudy, StudyReport } from '../../app/discovery/report.ts';
import { Layout, type Frame } from '../parts/layout.tsx';

export const StudiesPage = ({ frame, studies }: { frame: Partial<Frame>; studies: ListedStudy[] }) => (
  <Layout {...frame} title="Studies" section="/studies">
    <div class="heading">
      <h1>Studies</h1>
      {frame.role === 'review' ? null : (
        <div class="actions">
          <a class="button" href="/discover">
            Begin a study
          </a>
        </div>
      )}
    </div>
    {studies.length === 0 ? (
      <Empty>There are no studies. ratchet discover starts one, or the form.</Empty>
    ) : (
      <DataTable
        title="Studies"
        rows={studies}
        columns={[
          {
            title: 'study',
            html: ({ study }) => (
              <a href={`/studies/${encodeURIComponent(study)}`} data-row="">
                <Said text={study} most={80} />
              </a>
            ),
          },
          { title: 'of', html: ({ name }) => <Said text={name} most={60} /> },
          { title: 'status', text: ({ status }) => status },
          { title: 'claim', html: ({ claim }) => <Said text={claim ?? '–'} most={120} /> },
          { title: 'began (UTC)', text: ({ startedAt }) => startedAt.slice(0, 16).replace('T', ' ') },
        ]}
      />
    )}
  </Layout>
);

export const StudyPage = ({ frame, report }: { frame: Partial<Frame>; report: StudyReport }) => (
  <Layout {...frame} title={`Study ${report.study}`} section="/studies">
    <p class="crumbs">
      <a href="/studies">Studies</a>
    </p>
    <h1>
      <Said text={report.study} most={120} />
    </h1>
    {studyParts(report)}
  </Layout>
);
