/* Single-key shortcuts. They can be turned off (WCAG 2.1.4); the choice stays in a cookie. */
(() => {
  'use strict';
  const TOGETHER = 900; // milliseconds between g and the letter of a page
  const places = { l: '/', d: '/devices/', p: '/pushes/', f: '/failures/', v: '/fleet/', m: '/malformed/', s: '/settings/', a: '/audit/' };
  /* Only where the page leads there too: to the others one has no right. */
  const placeOf = (key) => document.querySelector(`a[href="${places[key]}"]`) && places[key];
  let goAt = 0;

  const areOn = () => !document.cookie.split('; ').includes('keys=off');
  const isTyping = (element) => element.matches('input, select, textarea');
  const listens = (event) => areOn() && !isTyping(event.target) && !document.querySelector('dialog[open]')
    && !event.metaKey && !event.ctrlKey && !event.altKey;
  window.pushdashKeys = { listens };

  const show = () => document.querySelectorAll('[data-keys-toggle]').forEach((button) => {
    button.setAttribute('aria-pressed', String(areOn()));
    const word = button.querySelector('[data-keys-word]');
    word.textContent = areOn() ? word.dataset.on : word.dataset.off;
  });
  const rows = () => [...document.querySelectorAll('[data-row]')].filter((row) => row.offsetParent);
  /* The link of the next or previous row takes the focus, so that Enter opens it. */
  const step = (by) => {
    const all = rows();
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = at < 0 && by < 0 ? all.length - 1 : at + by;
    all[Math.max(0, Math.min(next, all.length - 1))]?.querySelector('a')?.focus();
  };
  const press = {
    '/': () => document.querySelector('[data-hotkey="/"]')?.focus(),
    '?': () => document.getElementById('keys')?.showModal(),
    j: () => step(1),
    k: () => step(-1),
    g: () => { goAt = Date.now(); },
  };

  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && event.target.matches('[data-hotkey]')) event.target.blur();
    if (!listens(event)) return;
    if (Date.now() - goAt < TOGETHER && placeOf(event.key)) {
      event.stopImmediatePropagation(); // g then p goes to the pushes and pauses no feed
      location.href = placeOf(event.key);
    } else if (press[event.key]) {
      event.preventDefault();
      press[event.key]();
    }
  });
  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-keys-toggle]')) return;
    document.cookie = `keys=${areOn() ? 'off' : 'on'};path=/;max-age=31536000;samesite=lax`;
    show();
  });
  show();
})();
