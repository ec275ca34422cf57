/** One held-out problem as two checkpoints answered it. */
import { Pages } from '../parts/basics.tsx';
import { Block, Chip, Said } from '../../app/html/parts.ts';
import type { ComparedItem } from '../../db/queries/comparisons.ts';
import type { Checkpoint } from '../../db/queries/runs.ts';
import { comparePath } from '../checkpoints.ts';
import { Given, Name, outcomeOf, WORDS } from '../parts/compared.tsx';
import { Layout, type Frame } from '../parts/layout.tsx';
import { Marked } from '../parts/marked.tsx';

/** One problem, with a part of both rationales. */
export const ItemPage = ({
  frame,
  a,
  b,
  benchmark,
  item,
  from,
  size,
}: {
  frame: Partial<Frame>;
  a: Checkpoint;
  b: Checkpoint;
  benchmark: string;
  item: ComparedItem;
  from: number;
  size: number;
}) => {
  const length = Math.max(item.lengthA, item.lengthB);
  const path = `/compare/item?a=${a.id}&b=${b.id}&benchmark=${encodeURIComponent(benchmark)}&item=${item.id}`;
  const { tone, word } = WORDS[outcomeOf(item)];
  return (
    <Layout {...frame} title={`Problem ${item.position + 1}`} section="/checkpoints">
      <p class="crumbs">
        <a href={`${comparePath(a.id, b.id)}&benchmark=${encodeURIComponent(benchmark)}`}>
          Checkpoints {a.id} and {b.id}
        </a>{' '}
        /
      </p>
      <div class="heading">
        <h1>
          Problem {item.position + 1} of <Said text={benchmark} most={40} />
        </h1>
        <Chip tone={tone}>{word}</Chip>
      </div>
      <section class="card">
        <Block text={item.text} most={item.text.length} length={item.lengthText} />
        <p class="expected">
          <small class="muted">right answer:</small>{' '}
          <span class="mono">
            <Said text={item.answer} most={2000} />
          </span>
        </p>
      </section>
      <div class="grid both">
        {(
          [
            [a, item.answerA, item.correctA, item.rationaleA, item.rationaleB, item.lengthA],
            [b, item.answerB, item.correctB, item.rationaleB, item.rationaleA, item.lengthB],
          ] as const
        ).map(([one, answer, correct, text, other, characters]) => (
          <section class="card half">
            <header>
              <h2>
                <Name one={one} />
              </h2>
              <Given id={one.id} answer={answer} correct={correct} />
            </header>
            <Marked text={text} other={other} />
            <p class="help">{characters.toLocaleString('en-US')} characters</p>
          </section>
        ))}
      </div>
      <Pages
        label="Parts of the text"
        first={from > 0 && [`${path}&from=${Math.max(0, from - size)}`, 'Before']}
        next={from + size < length && [`${path}&from=${from + size}`, 'After']}
      />
    </Layout>
  );
};
