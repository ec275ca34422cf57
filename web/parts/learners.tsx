import { Card } from '../../app/html/parts.ts';
import { learnerSentence, type LearnerReport } from '../../app/tutor/learners.ts';
import { runPath } from './basics.tsx';

/** Nothing for a task that does not tutor. */
export const Learners = ({ run, found }: { run: string; found: LearnerReport | null }) =>
  found === null ? null : (
    <Card title="Learners" note="what explained their answers when the run began">
      <p>{learnerSentence(found)}</p>
      <p>
        <a href={`${runPath(run)}/learners`}>Each learner, with practice and hints</a>
      </p>
    </Card>
  );
