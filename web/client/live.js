// Draws the parts marked `data-live` anew when the server says that what they show has changed. A hidden page listens to nothing.

const LEAST_MS = 1500;

/** Puts the new children in the place of the old, but keeps what the visitor has opened, and where the keyboard is. */
function replace(old, fresh) {
  if (old.innerHTML === fresh.innerHTML) return false;
  const open = [...old.querySelectorAll('details[id][open]')].map((one) => one.id);
  const scrolled = [...old.querySelectorAll('.scroll')].map((one) => one.scrollLeft);
  const chosen = [...old.querySelectorAll('input[type=radio]:checked')].map(({ name, value }) => [
    name,
    value,
  ]);
  const focused = document.activeElement;
  const focus = old.contains(focused) && focused.getAttribute('href');
  const place = focused?.id;
  old.replaceChildren(...fresh.childNodes);
  for (const [name, value] of chosen)
    for (const one of old.querySelectorAll('input[type=radio]'))
      if (one.name === name && one.value === value) one.checked = true;
  for (const id of open) document.getElementById(id)?.setAttribute('open', '');
  for (const [i, one] of [...old.querySelectorAll('.scroll')].entries()) one.scrollLeft = scrolled[i] ?? 0;
  if (place && old.querySelector(`#${CSS.escape(place)}`)) document.getElementById(place).focus();
  else if (focus) [...old.querySelectorAll('a')].find((one) => one.getAttribute('href') === focus)?.focus();
  return true;
}

/** A part in which somebody types is left alone. */
const busy = (part) =>
  part.contains(document.activeElement) && document.activeElement.matches('input, select, textarea');

export function startLive(drawn) {
  const { topic } = document.body.dataset;
  if (!topic) return;
  const state = document.querySelector('[data-live-state]');
  let source;
  let version;
  let fetching = false;
  let missed = false;
  let last = 0;

  const show = (on, text) => {
    if (!state) return;
    state.dataset.liveState = on ? 'on' : 'off';
    state.lastElementChild.textContent = text;
  };

  async function refresh() {
    if (fetching) return void (missed = true);
    fetching = true;
    try {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, last + LEAST_MS - Date.now())));
      last = Date.now();
      const response = await fetch(location.href, {
        headers: { accept: 'text/html', 'x-ratchet-refresh': 'yes' },
      });
      if (!response.ok) return show(false, 'not live');
      const page = new DOMParser().parseFromString(await response.text(), 'text/html');
      for (const part of document.querySelectorAll('[data-live]')) {
        const fresh = page.getElementById(part.id);
        if (fresh && !busy(part) && replace(part, fresh)) drawn(part);
      }
      show(true, 'live');
      again();
    } catch {
      show(false, 'not live');
    } finally {
      fetching = false;
      if (missed) {
        missed = false;
        void refresh();
      }
    }
  }

  /** What was still being counted is asked for again. */
  function again() {
    if (document.querySelector('[data-pending]')) setTimeout(() => void refresh(), 500);
  }

  function open() {
    source = new EventSource(`/events?topic=${encodeURIComponent(topic)}`);
    source.addEventListener('open', () => show(true, 'live'));
    source.addEventListener('error', () => show(false, 'not live'));
    source.addEventListener('version', (event) => {
      // The first one says what the page may have been drawn before, so it is drawn once more.
      if (event.data === version) return;
      version = event.data;
      void refresh();
    });
  }
  // A browser keeps six connections to a server: hidden pages must not hold them.
  document.addEventListener('visibilitychange', () => {
    source?.close();
    source = undefined;
    if (!document.hidden) open();
  });
  document.addEventListener('ratchet:changed', () => void refresh());
  addEventListener('pagehide', () => source?.close());
  if (!document.hidden) open();
  again();
}
