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
  /* Single-key shortcuts can be turned off (WCAG 2.1.4); the choice stays in a cookie. */
  const keysAreOn = () => !document.cookie.split('; ').includes('keys=off');
  const listens = (event) => keysAreOn() && !typing(event.target)
    && !event.metaKey && !event.ctrlKey && !event.altKey;
  window.pushdashKeys = { listens };
  const showKeys = (button) => button.setAttribute('aria-pressed', String(keysAreOn()));
  document.addEventListener('DOMContentLoaded', () => {
    document.querySelectorAll('[data-keys-toggle]').forEach(showKeys);
  });
  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-keys-toggle]');
    if (button) {
      document.cookie = `keys=${keysAreOn() ? 'off' : 'on'};path=/;max-age=31536000;samesite=lax`;
      showKeys(button);
    }
    document.querySelectorAll('details.pd-menu[open]').forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  const span = (seconds) => {
    const [size, unit] = [[86400, 'd'], [3600, 'h'], [60, 'min']].find(([size]) => seconds >= size) || [1, 's'];
    return `${Math.floor(seconds / size)} ${unit}`;
  };
  setInterval(() => {
    document.querySelectorAll('time[data-rel]').forEach((time) => {
      const seconds = Math.max(0, (Date.now() - new Date(time.dateTime)) / 1000);
      time.textContent = `${span(seconds)} ago`;
    });
  }, 10000);
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      document.querySelectorAll('details.pd-menu[open]').forEach((menu) => { menu.open = false; });
    }
    if (!listens(event)) return;
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
