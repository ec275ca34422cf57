// What every page needs: charts where there are any, live parts, dialogs, keys, the light switch, times that go on.
import { drawCharts } from './charts.js';
import { startDialogs } from './dialogs.js';
import { startKeys } from './keys.js';
import { startLive } from './live.js';
import { startReview } from './review.js';

function ago(seconds) {
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

function tickTimes() {
  for (const time of document.querySelectorAll('time[data-ago]'))
    time.textContent = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === 'dark'
    : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  document.cookie = `ratchet_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=strict`;
  drawCharts(document);
}

document.querySelector('[data-theme-switch]')?.addEventListener('click', switchTheme);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawCharts(document));
setInterval(tickTimes, 30_000);
tickTimes();
// A filter is applied as soon as it is chosen; without this file there is a button for it.
document.addEventListener('change', (event) => {
  if (event.target.matches?.('form[data-submit-on-change] :is(select, input)'))
    event.target.form.requestSubmit();
});
drawCharts(document);
startDialogs();
startKeys();
startReview();
startLive(drawCharts);
document.documentElement.dataset.ready = 'true';
