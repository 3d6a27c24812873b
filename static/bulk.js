/* Ticking rows (x, all), and a running bulk that is read again every two seconds. */
(() => {
  'use strict';
  const boxes = () => [...document.querySelectorAll('input[type=checkbox][form=bulk]')];
  const told = document.querySelector('[data-selected]');
  const invitation = told?.textContent;
  const all = document.querySelector('[data-tick-all]');

  const count = () => {
    const ticked = boxes().filter((box) => box.checked).length;
    if (told) told.textContent = ticked ? told.dataset.ticked.replace('#', ticked) : invitation;
    if (!all) return;
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && !all.checked;
  };
  document.addEventListener('change', (event) => {
    if (event.target === all) boxes().forEach((box) => { box.checked = all.checked; });
    if (event.target === all || event.target.matches('input[form=bulk]')) count();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'x' || !window.pushdashKeys?.listens(event)) return;
    const box = document.activeElement.closest('[data-row]')?.querySelector('input[form=bulk]');
    if (!box) return;
    box.checked = !box.checked;
    count();
  });
  count();

  const again = async () => {
    const shown = document.querySelector('[data-refresh]');
    if (!shown) return;
    await new Promise((done) => { setTimeout(done, Number(shown.dataset.refresh)); });
    const isBusy = shown.contains(document.activeElement) || document.hidden;
    if (!isBusy) {
      const answer = await fetch(location.href);
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        shown.replaceWith(page.getElementById(shown.id));
      }
    }
    again();
  };
  again();
})();
