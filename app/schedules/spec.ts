/** When a schedule fires: from what a user types to Temporal's spec, and back into words. */
import type {
  CalendarSpecDescription,
  DayOfWeek,
  ScheduleSpec,
  ScheduleSpecDescription,
} from '@temporalio/client';
import { UsageError } from '../../process/errors.ts';

export type TimingFlags = {
  weekly?: string;
  daily?: string;
  every?: string;
  cron?: string;
  timezone?: string;
};

export type Timing = {
  spec: ScheduleSpec;
  timeZone: string;
  /** `weekly`, `daily`, … as the default id of a schedule has it. */
  rhythm: 'weekly' | 'daily' | 'every' | 'cron';
};

const DAYS: DayOfWeek[] = ['SUNDAY', 'MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY'];
const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** The comment that marks a calendar made of a cron expression, which Temporal stores as fields. */
const CRON_MARK = 'cron ';

function timeOfDay(flag: string, text: string): { hour: number; minute: number } {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hour === undefined || Number(hour) > 23 || Number(minute) > 59)
    throw new UsageError(`${flag}: "${text}" is no time of day. Write it as 03:00, from 00:00 to 23:59.`);
  return { hour: Number(hour), minute: Number(minute) };
}

function dayOf(text: string): DayOfWeek {
  const found = text.length >= 3 && DAYS.find((day) => day.startsWith(text.toUpperCase()));
  if (found) return found;
  throw new UsageError(
    `--weekly: "${text}" is no day of the week. Write Sun, Mon, Tue, Wed, Thu, Fri or Sat, or the name in full.`,
  );
}

/** `90s`, `30m`, `6h`, `1d`, `2w` in milliseconds. @throws UsageError */
export function durationMs(flag: string, text: string): number {
  const [, count, unit] = /^(\d+)\s*([smhdw])$/.exec(text.trim()) ?? [];
  const ms = Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  if (Number.isSafeInteger(ms) && ms > 0) return ms;
  throw new UsageError(`${flag}: "${text}" is no length of time. Write it as 30m, 6h, 1d or 2w.`);
}

/** The largest unit in which a length of time is whole: `6 h`. */
export function durationWords(ms: number): string {
  const units = Object.entries(UNIT_MS).toReversed();
  const [unit, size] = units.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0) ?? ['ms', 1];
  return `${ms / size} ${unit}`;
}

/** @throws UsageError where Temporal's server could not look the zone up */
function checkTimeZone(name: string): string {
  // Offsets such as +02:00 are known here, but not to the server.
  const isName = /^[A-Za-z]/.test(name);
  try {
    if (isName) return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new UsageError(`--timezone: there is no time zone "${name}". Name one as Europe/Berlin or UTC.`);
}

export const localTimeZone = (): string => new Intl.DateTimeFormat().resolvedOptions().timeZone;

function weekly(text: string): ScheduleSpec {
  const [, days, time] = /^\s*(\S.*?)\s+(\S+)\s*$/.exec(text) ?? [];
  if (days === undefined || time === undefined)
    throw new UsageError(`--weekly: "${text}" needs a day and a time. Write it as "Sun 03:00".`);
  const dayOfWeek = [...new Set(days.split(/\s*,\s*/).map(dayOf))];
  return { calendars: [{ dayOfWeek, ...timeOfDay('--weekly', time) }] };
}

function cron(text: string): ScheduleSpec {
  const expression = text.trim();
  if (/^(CRON_)?TZ=/.test(expression))
    throw new UsageError('--cron: give the time zone with --timezone instead of in the expression.');
  const fields = expression.split(/\s+/).length;
  if (!expression.startsWith('@') && (fields < 5 || fields > 7))
    throw new UsageError(
      `--cron: "${text}" has ${fields} field${fields === 1 ? '' : 's'}. Write five: minute, hour, day of the month, month, day of the week.`,
    );
  return {
    cronExpressions: [expression.includes('#') ? expression : `${expression} #${CRON_MARK}${expression}`],
  };
}

/**
 * Reads the flags that say when. Exactly one rhythm; the time zone is this machine's where none is named.
 * @throws UsageError
 */
export function timingFromFlags(flags: TimingFlags): Timing {
  const rhythms = (['weekly', 'daily', 'every', 'cron'] as const).filter((name) => flags[name] !== undefined);
  const [rhythm] = rhythms;
  if (!rhythm)
    throw new UsageError(
      'When should it run? Give --weekly "Sun 03:00", --daily 03:00, --every 6h or --cron.',
    );
  if (rhythms.length > 1)
    throw new UsageError(`${rhythms.map((name) => `--${name}`).join(' and ')}: give one of them.`);
  const timeZone = checkTimeZone(flags.timezone ?? localTimeZone());
  const specs = {
    weekly: () => weekly(flags.weekly!),
    daily: () => ({ calendars: [timeOfDay('--daily', flags.daily!.trim())] }),
    every: () => ({ intervals: [{ every: durationMs('--every', flags.every!) }] }),
    cron: () => cron(flags.cron!),
  };
  return { spec: { ...specs[rhythm](), timezone: timeZone }, timeZone, rhythm };
}

const isSingle = (ranges: { start: number; end: number }[]) =>
  ranges.length === 1 && ranges[0]!.start === ranges[0]!.end;

function daysIn(ranges: CalendarSpecDescription['dayOfWeek']): DayOfWeek[] {
  return ranges.flatMap(({ start, end, step }) =>
    DAYS.filter((_, i) => {
      const first = DAYS.indexOf(start);
      return i >= first && i <= Math.max(first, DAYS.indexOf(end)) && (i - first) % Math.max(1, step) === 0;
    }),
  );
}

function calendarWords(calendar: CalendarSpecDescription): string {
  if (calendar.comment?.startsWith(CRON_MARK)) return calendar.comment;
  const { hour, minute, dayOfWeek, dayOfMonth, month } = calendar;
  const plainDays =
    dayOfMonth[0]?.end === 31 && month[0]?.end === 'DECEMBER' && month[0]?.start === 'JANUARY';
  if (!isSingle(hour) || !isSingle(minute) || !plainDays) return calendar.comment || 'by its own calendar';
  const time = `${String(hour[0]!.start).padStart(2, '0')}:${String(minute[0]!.start).padStart(2, '0')}`;
  const days = daysIn(dayOfWeek);
  if (days.length === 7) return `daily ${time}`;
  return `weekly ${days.map((day) => day[0] + day.slice(1, 3).toLowerCase()).join(', ')} ${time}`;
}

/** What the server holds, in words: `weekly Sun 03:00`, `every 6 h`. */
export function specWords(spec: ScheduleSpecDescription): string {
  const intervals = (spec.intervals ?? []).map(({ every, offset }) => {
    return `every ${durationWords(every)}${offset ? ` + ${durationWords(offset)}` : ''}`;
  });
  return [...(spec.calendars ?? []).map(calendarWords), ...intervals].join('; ') || 'never';
}

/** A point in time as the clock of a zone shows it: `2026-11-22 03:00`, with seconds where there are any. */
export function zonedText(time: Date, timeZone: string): string {
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(
    time,
  );
  return text.replace(/:00$/, '');
}

/**
 * Reads a date (`2026-11-01`) or a time (`2026-11-01 03:00`) on the clock of a zone, or an ISO time that
 * names its own offset. A date alone is its first moment, or with `end` its last second.
 * @throws UsageError
 */
export function zonedTime(flag: string, text: string, timeZone: string, end = false): Date {
  const bad = () =>
    new UsageError(
      `${flag}: "${text}" is no time. Write it as 2026-11-01, "2026-11-01 03:00" or 2026-11-01T03:00:00Z.`,
    );
  const [, date, time, offset] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text.trim()) ?? [];
  if (date === undefined) throw bad();
  const clock = `${date}T${time ?? (end ? '23:59:59' : '00:00')}`;
  const asUtc = Date.parse(`${clock}${offset ?? 'Z'}`);
  // Date.parse takes 2026-02-30 for 2 March in some engines: a date must come back as it was written.
  if (Number.isNaN(asUtc) || !new Date(Date.parse(`${date}T00:00Z`)).toISOString().startsWith(date))
    throw bad();
  if (offset) return new Date(asUtc);
  const offsetAt = (at: number) => Date.parse(`${zonedIso(new Date(at), timeZone)}Z`) - at;
  // The offset at the guess may be that of the other side of a clock change; asking again at the result settles it.
  const guess = asUtc - offsetAt(asUtc);
  return new Date(asUtc - offsetAt(guess));
}

const zonedIso = (time: Date, timeZone: string) =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })
    .format(time)
    .replace(' ', 'T');
