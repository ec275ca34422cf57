/**
 * Writes rows in groups: whatever arrives while one write is under way goes with the next. No row waits
 * for a timer, and a burst of replies costs one transaction instead of hundreds.
 */
export function groupWriter<Row>(write: (rows: Row[]) => Promise<void>): {
  add(row: Row): Promise<void>;
  /** How long the write under way takes by now; 0: there is none. */
  unstoredMs(): number;
} {
  type Waiting = { row: Row; resolve: () => void; reject: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let writing = false;
  let began = 0;
  async function drain() {
    writing = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, 400);
      began = performance.now();
      try {
        await write(group.map((w) => w.row));
        for (const w of group) w.resolve();
      } catch (error) {
        for (const w of group) w.reject(error);
      }
    }
    writing = false;
  }
  return {
    add: (row) =>
      new Promise<void>((resolve, reject) => {
        waiting.push({ row, resolve, reject });
        if (!writing) void drain();
      }),
    unstoredMs: () => (writing ? performance.now() - began : 0),
  };
}
