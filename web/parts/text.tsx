/** Texts that this program did not write, on their way into a page. Every one of them goes through here. */
import { cutText, visible } from '../text.ts';

/** Inline: in a line with others, cut short. */
export const Said = ({ text, most = 400 }: { text: string; most?: number }) => {
  const cut = cutText(text, most);
  return (
    <>
      <Pieces text={cut.text} />
      {cut.left > 0 ? <span title={`${cut.left.toLocaleString('en-US')} more characters`}>…</span> : null}
    </>
  );
};

export const Pieces = ({ text }: { text: string }) => (
  <>
    {visible(text).map((piece) =>
      piece.mark === undefined ? (
        piece.text
      ) : (
        <span class="unseen" title={piece.title}>
          {piece.mark}
        </span>
      ),
    )}
  </>
);

/**
 * A block that keeps its lines. What is cut off can be read where `all` leads.
 *
 * @param length characters of the whole, where `text` is only its beginning already
 */
export const Block = ({
  text,
  most = 4_000,
  length = text.length,
  all,
}: {
  text: string;
  most?: number;
  length?: number;
  all?: string;
}) => {
  const cut = cutText(text, most);
  const left = length - cut.text.length;
  return (
    <>
      <pre class="block">
        <Pieces text={cut.text} />
      </pre>
      {left > 0 ? (
        <p class="cut">
          {left.toLocaleString('en-US')} more characters.{' '}
          {all ? <a href={all}>Read all {length.toLocaleString('en-US')}</a> : null}
        </p>
      ) : null}
    </>
  );
};
