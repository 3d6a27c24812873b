/* Theme, copy, one-time forms, keys. Runs in <head>: no flash of the other theme. */
(() => {
  'use strict';
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  if (!root.getAttribute('data-bs-theme')) root.setAttribute('data-bs-theme', dark.matches ? 'dark' : 'light');
  const typing = (element) => element.matches('input, select, textarea');
  let goAt = 0;
  const places = { l: '/', d: '/devices/', p: '/pushes/', f: '/failures/', s: '/settings/' };

  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-theme-toggle]')) return;
    const theme = root.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark';
    root.setAttribute('data-bs-theme', theme);
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
  });
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('[data-once]')) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
  document.addEventListener('keydown', (event) => {
    if (typing(event.target) || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.key === '/') {
      event.preventDefault();
      document.querySelector('[data-hotkey="/"]')?.focus();
    } else if (event.key === 'g') {
      goAt = Date.now();
    } else if (Date.now() - goAt < 900 && places[event.key]) {
      location.href = places[event.key];
    }
  });
})();
