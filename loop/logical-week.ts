const DAY_MS = 86_400_000;

/**
 * The ISO 8601 week (`2026-W48`) that a scheduled time belongs to on the calendar of a time zone (IANA name).
 * A run takes the week for which it was due: one that begins late, or is backfilled, does not change weeks.
 */
export function logicalWeek(scheduledFor: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  }).formatToParts(scheduledFor);
  const of = (type: string) => Number(parts.find((part) => part.type === type)!.value);
  const date = Date.UTC(of('year'), of('month') - 1, of('day'));
  // A week belongs to the year of its Thursday.
  const daysAfterMonday = (new Date(date).getUTCDay() + 6) % 7;
  const thursday = date + (3 - daysAfterMonday) * DAY_MS;
  const year = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return `${year}-W${String(week).padStart(2, '0')}`;
}
