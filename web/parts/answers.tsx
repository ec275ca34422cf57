/** The answers to one prompt, side by side. */
import { DEBATE_ROUND } from '../../loop/words.ts';
import { Block, characters, Chip, Cut, Pieces, Said } from '../../app/html/parts.ts';
import type { SiblingRow } from '../../db/queries/browse.ts';
import { changedShare, differences } from '../diff.ts';
import { cutText, visibleString } from '../text.ts';

/** Characters of a rationale that a page shows; the rest is a link away. */
export const SHOWN = 4_000;

export const textPath = (id: number, field: string) => `/samples/${id}/text?field=${field}`;

/** Marked where it differs from the sample that the page is about. */
const Rationale = ({ one, reference }: { one: SiblingRow; reference: string | undefined }) => {
  const { text } = cutText(one.rationale, SHOWN);
  const stretches = reference === undefined ? undefined : differences(reference, text);
  // Where most of it differs, marks would only be paint.
  if (!stretches || changedShare(stretches) > 0.6)
    return <Block text={text} length={one.length} all={textPath(one.id, 'rationale')} />;
  return (
    <>
      <pre class="block">
        {stretches.map((stretch) =>
          stretch.changed ? (
            <mark>
              <Pieces text={stretch.text} />
            </mark>
          ) : (
            <Pieces text={stretch.text} />
          ),
        )}
      </pre>
      <Cut left={one.length - characters(text)} length={one.length} all={textPath(one.id, 'rationale')} />
    </>
  );
};

const Standing = ({ one }: { one: SiblingRow }) => {
  if (one.example) return <Chip tone="good">example{one.example === 'vote' ? '' : `, ${one.example}`}</Chip>;
  if (one.failed) return <Chip tone="bad">fails {visibleString(one.failed.join(', '), 60)}</Chip>;
  if (one.unscored) return <Chip tone="warn">{visibleString(one.unscored.join(', '), 60)} unscored</Chip>;
  return <Chip tone="idle">{one.judged ? 'passed' : 'not judged'}</Chip>;
};

export const One = ({
  one,
  current,
  reference,
}: {
  one: SiblingRow;
  current: boolean;
  reference: string | undefined;
}) => (
  <article class={current ? 'one this' : 'one'} aria-label={`sample ${one.id}`}>
    <header>
      {current ? (
        <b>sample {one.id}</b>
      ) : (
        <a href={`/samples/${one.id}`} data-row="">
          sample {one.id}
        </a>
      )}
      <Standing one={one} />
    </header>
    <p class="answer-line">
      {one.answer === null ? (
        <span class="muted">no answer read</span>
      ) : (
        <span class={one.agrees ? 'agrees' : one.agrees === false ? 'differs' : undefined}>
          <Said text={one.answer} most={80} />
        </span>
      )}
    </p>
    <p class="how">
      <Said text={one.request} most={120} />
      <br />
      <Said text={one.rewrite} most={40} />, <Said text={one.strategy} most={40} />
      {one.round === 2 ? ', asked again' : one.round === DEBATE_ROUND ? ', of a debate' : ''}
      {one.finishReason === 'stop' ? '' : `, ended by ${visibleString(one.finishReason, 40)}`}
    </p>
    <Rationale one={one} reference={reference} />
  </article>
);
