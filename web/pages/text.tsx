/** A long text, a part at a time. */
import { Block } from '../../app/html/parts.ts';
import { Layout, type Frame } from '../parts/layout.tsx';

export const TextPage = ({
  frame,
  title,
  back,
  text,
  from,
  length,
  size,
  path,
}: {
  frame: Partial<Frame>;
  title: string;
  back: string;
  text: string;
  from: number;
  length: number;
  size: number;
  /** Address of the text, to which `from` is added. */
  path: string;
}) => {
  const to = Math.min(length, from + size);
  const at = (place: number) => `${path}${path.includes('?') ? '&' : '?'}from=${place}`;
  const pages = (
    <nav class="pages" aria-label="Parts of the text">
      {from > 0 ? (
        <a href={at(Math.max(0, from - size))} rel="prev">
          Before
        </a>
      ) : (
        <span></span>
      )}
      {to < length ? (
        <a href={at(to)} rel="next">
          After
        </a>
      ) : null}
    </nav>
  );
  return (
    <Layout {...frame} title={title} section="/">
      <p class="crumbs">
        <a href={back}>Back</a>
      </p>
      <div class="heading">
        <h1>{title}</h1>
        <span class="muted">
          {length === 0
            ? 'empty'
            : `characters ${(from + 1).toLocaleString('en-US')}–${to.toLocaleString('en-US')}`}{' '}
          of {length.toLocaleString('en-US')}
        </span>
      </div>
      <section class="card">
        <Block text={text} most={size} />
      </section>
      {pages}
    </Layout>
  );
};
