/** Times of day, days between dates, and how long ago something was. */

/**
 * Seconds as a clock shows them: `m:ss`, and `h:mm:ss` from one hour on; hours may have any number of digits. Fractions of a second
 * are dropped. A negative number throws a RangeError.
 */
export function formatClock(seconds: number): string {
  if (seconds < 0) throw new RangeError('a clock shows no negative time');
  const whole = Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, '0');
  if (hours === 0) return `${minutes}:${rest}`;
  return `${hours}:${String(minutes).padStart(2, '0')}:${rest}`;
}

/**
 * The minutes since midnight of a time of day: `14:05` on a clock of 24 hours, `2:05 pm` on one of 12, where 12 am is midnight and
 * 12 pm is noon. Minutes have two digits, hours one or two; case and blanks before am and pm do not matter. Undefined for
 * anything else, such as 24:00 or 13:00 pm.
 */
export function parseTime(text: string): number | undefined {
  const match = /^(\d{1,2}):(\d{2})\s*(am|pm)?$/i.exec(text);
  if (!match) return undefined;
  const hours = Number(match[1]);
  const minutes = Number(match[2]);
  const half = match[3]?.toLowerCase();
  if (minutes > 59) return undefined;
  if (half === undefined) return hours > 23 ? undefined : hours * 60 + minutes;
  if (hours < 1 || hours > 12) return undefined;
  return ((hours % 12) + (half === 'pm' ? 12 : 0)) * 60 + minutes;
}

/**
 * The minutes that a shift from `start` to `end` overlaps the night from 22:00 to 6:00. All are minutes since midnight; a shift
 * whose end is not after its start goes on into the next day.
 */
export function nightMinutes(start: number, end: number): number {
  const until = end > start ? end : end + 1440;
  const nights = [
    [0, 360],
    [1320, 1800],
    [2760, 2880],
  ];
  let minutes = 0;
  for (const [from = 0, to = 0] of nights) {
    minutes += Math.max(0, Math.min(until, to) - Math.max(start, from));
  }
  return minutes;
}

/** The number of days from 1 January of the year 1 to a date of the Gregorian calendar, which is itself day 1. */
export function dayNumber(year: number, month: number, day: number): number {
  const lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  const past = year - 1;
  let days = past * 365 + Math.floor(past / 4) - Math.floor(past / 100) + Math.floor(past / 400);
  for (let one = 0; one < month - 1; one++) days += lengths[one]!;
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (leap && month > 2) days += 1;
  return days + day;
}

/**
 * How long ago something was, in the largest whole unit, rounded down: `just now` below one minute, then `1 minute ago`,
 * `2 hours ago`, `3 days ago`, in weeks from 7 days and in years from 365.
 */
export function timeAgo(seconds: number): string {
  const units: [string, number][] = [
    ['year', 31_536_000],
    ['week', 604_800],
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ];
  for (const [unit, size] of units) {
    const count = Math.floor(seconds / size);
    if (count >= 1) return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}
