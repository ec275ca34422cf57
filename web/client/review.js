// What the review queue adds to its forms: `data-focus` leads into a field, Escape leaves it, Ctrl-Enter sends, nothing is sent twice.

const isField = (target) => target.matches?.('[data-review] :is(input, textarea)');

export function startReview() {
  document.addEventListener('click', (event) => {
    const leads = event.target.closest?.('[data-focus]');
    const field = leads && document.getElementById(leads.dataset.focus);
    if (field) {
      event.preventDefault();
      field.closest('details')?.setAttribute('open', '');
      field.focus();
      field.scrollIntoView({ block: 'center' });
    }
    const fills = event.target.closest?.('[data-steps]');
    if (fills) {
      const steps = document.getElementById('steps');
      steps.value = fills.dataset.steps;
      steps.focus();
    }
  });
  document.addEventListener('keydown', (event) => {
    if (!isField(event.target)) return;
    if (event.key === 'Escape') event.target.blur();
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.form.id === 'correction')
      event.target.form.requestSubmit();
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.closest('[data-review]')) return;
    if (document.body.dataset.sent) event.preventDefault();
    else document.body.dataset.sent = 'yes';
  });
  addEventListener('pageshow', () => delete document.body.dataset.sent);
}
