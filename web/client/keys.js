// The keyboard: j and k go through rows, g and a letter go to a page, / goes to the filter, ? tells all this.
import { showDialog } from './dialogs.js';

const typing = (target) => target.matches?.('input, select, textarea, [contenteditable]');

function move(step) {
  const rows = [...document.querySelectorAll('[data-row]')];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step));
  rows[next].focus();
  rows[next].scrollIntoView({ block: 'nearest' });
}

function help() {
  const own = [...document.querySelectorAll('[data-key]')].map((one) => [
    one.dataset.key,
    one.dataset.keyTitle ?? one.textContent.trim(),
  ]);
  const goes = [...document.querySelectorAll('[data-go]')].map((one) => [
    `g ${one.dataset.go}`,
    one.textContent.trim(),
  ]);
  const known = [['j  k', 'next and previous row'], ['/', 'filter'], ...goes, ...own, ['?', 'this list']];
  const title = document.createElement('h2');
  title.id = 'dialog-title';
  title.textContent = 'Keys';
  const list = document.createElement('dl');
  list.className = 'keys';
  for (const [key, what] of known) {
    const dt = document.createElement('dt');
    for (const part of key.split(/\s+/)) {
      const kbd = document.createElement('kbd');
      kbd.textContent = part;
      dt.append(kbd, ' ');
    }
    const dd = document.createElement('dd');
    dd.textContent = what;
    list.append(dt, dd);
  }
  const form = document.createElement('form');
  form.method = 'dialog';
  const actions = document.createElement('div');
  actions.className = 'actions';
  const button = document.createElement('button');
  button.textContent = 'Close';
  actions.append(button);
  form.append(actions);
  showDialog([title, list, form]);
}

export function startKeys() {
  let goingSince = 0;
  document.querySelector('[data-keys]')?.addEventListener('click', help);
  document.addEventListener('keydown', (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
    if (typing(event.target) || document.querySelector('dialog[open]')) return;
    const { key } = event;
    if (Date.now() - goingSince < 1500) {
      goingSince = 0;
      const link = [...document.querySelectorAll('[data-go]')].find((one) => one.dataset.go === key);
      if (link) {
        event.preventDefault();
        link.click();
      }
      return;
    }
    if (key === 'g') goingSince = Date.now();
    else if (key === 'j') move(1);
    else if (key === 'k') move(-1);
    else if (key === '?') help();
    else if (key === '/') {
      const filter = document.querySelector('[data-filter]');
      if (!filter) return;
      event.preventDefault();
      filter.focus();
    } else {
      const target = [...document.querySelectorAll('[data-key]')].find((one) => one.dataset.key === key);
      // A key that is held down must not decide twice.
      if (!target || event.repeat) return;
      event.preventDefault();
      target.click();
    }
  });
}
