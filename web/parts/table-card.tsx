import type { Child } from 'hono/jsx';
import { Card } from '../../app/html/parts.ts';
import { DataTable } from '../../app/html/table.ts';
import type { Table } from '../../app/report/tables/table.ts';

type Props<Row> = { title: string; note: string; table: Table<Row>; sentences?: string[]; children?: Child };

/** A table, what is to be said of it, and whatever follows. */
export const TableCard = <Row,>({ title, note, table, sentences = [], children }: Props<Row>) => (
  <Card title={title} note={note}>
    <DataTable {...table} />
    {sentences.map((text) => (
      <p class="muted">{text}</p>
    ))}
    {children}
  </Card>
);
