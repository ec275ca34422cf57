// A link marked `data-dialog` leads to a page with one form. Here the form is shown in a dialog, sent from there, and the
// answer shown in its place; without this file the link is a link and the form a form.

const dialog = () => document.getElementById('dialog');

function show(content) {
  const box = dialog();
  box.replaceChildren(...content);
  if (!box.open) box.showModal();
  (
    box.querySelector('[autofocus], input:not([type=hidden]), select, textarea') ??
    box.querySelector('button')
  )?.focus();
}

function message(text, kind) {
  const title = document.createElement('h2');
  title.id = 'dialog-title';
  title.textContent = kind;
  const p = document.createElement('p');
  p.className = 'answer refused';
  p.textContent = text;
  const form = document.createElement('form');
  form.method = 'dialog';
  const button = document.createElement('button');
  button.textContent = 'Close';
  const actions = document.createElement('div');
  actions.className = 'actions';
  actions.append(button);
  form.append(actions);
  return [title, p, form];
}

async function contentOf(response) {
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  const content = page.querySelector('[data-dialog-content]');
  if (content) return [...content.childNodes];
  const text = page.querySelector('main')?.textContent.trim() || `It answers ${response.status}.`;
  return message(text, 'That did not work');
}

async function ask(url, options) {
  try {
    show(await contentOf(await fetch(url, options)));
  } catch {
    show(message('The server does not answer. Is it running?', 'That did not work'));
  }
}

export function openDialog(url) {
  return ask(url, { headers: { accept: 'text/html' } });
}

export function showDialog(content) {
  show(content);
}

export function startDialogs() {
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[data-dialog]');
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      void openDialog(link.href);
      return;
    }
    const close = event.target.closest?.('#dialog [data-close]');
    if (close) {
      event.preventDefault();
      dialog().close();
    }
    // A click on what lies behind the dialog.
    if (event.target === dialog()) dialog().close();
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.closest('#dialog') || form.method !== 'post') return;
    event.preventDefault();
    const data = new URLSearchParams(new FormData(form, event.submitter));
    for (const button of form.querySelectorAll('button')) button.disabled = true;
    void ask(form.action, { method: 'POST', body: data, headers: { accept: 'text/html' } }).then(() =>
      document.dispatchEvent(new Event('ratchet:changed')),
    );
  });
}
