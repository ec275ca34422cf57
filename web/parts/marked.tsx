/** What differs between two texts, marked. */
import { Pieces } from '../../app/html/parts.ts';
import { changedShare, differences } from '../diff.ts';

/** A text, marked where the other one has nothing like it; unmarked where most of it differs. */
export const Marked = ({ text, other }: { text: string; other: string }) => {
  const stretches = differences(other, text);
  if (!stretches || changedShare(stretches) > 0.6)
    return (
      <pre class="block">
        <Pieces text={text} />
      </pre>
    );
  return (
    <pre class="block">
      {stretches.map((one) =>
        one.changed ? (
          <mark>
            <Pieces text={one.text} />
          </mark>
        ) : (
          <Pieces text={one.text} />
        ),
      )}
    </pre>
  );
};
