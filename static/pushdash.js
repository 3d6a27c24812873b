/* Theme, menus, dialogs, tabs, copying, one-time forms. Runs in <head>: no flash of the other theme. */
(() => {
  'use strict';
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const closest = (event, selector) => event.target.closest(selector);
  if (!root.getAttribute('data-bs-theme')) root.setAttribute('data-bs-theme', dark.matches ? 'dark' : 'light');

  root.classList.add('with-script');

  const turnTheme = () => {
    const theme = root.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark';
    root.setAttribute('data-bs-theme', theme);
    document.cookie = `theme=${theme};path=/;max-age=31536000;samesite=lax`;
  };
  const closeMenus = (event) => document.querySelectorAll('details.pd-menu[open]').forEach((menu) => {
    if (!event || !menu.contains(event.target)) menu.open = false;
  });
  /* Over plain HTTP a browser has no clipboard but the one of a marked text. */
  const copyMarked = (text) => {
    const area = document.body.appendChild(document.createElement('textarea'));
    area.value = text;
    area.select();
    document.execCommand('copy');
    area.remove();
  };
  const copy = async (button) => {
    if (navigator.clipboard) await navigator.clipboard.writeText(button.dataset.copy);
    else copyMarked(button.dataset.copy);
    button.dataset.done = '';
    setTimeout(() => { delete button.dataset.done; }, 1500);
  };
  /* Without script every panel is shown under its name; with it, one at a time. */
  const choose = (tab) => {
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')];
    tabs.forEach((one) => {
      const isChosen = one === tab;
      one.setAttribute('aria-selected', String(isChosen));
      one.tabIndex = isChosen ? 0 : -1;
      document.getElementById(one.getAttribute('aria-controls')).hidden = !isChosen;
    });
  };
  const turn = (tab, by) => {
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')];
    const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
    choose(next);
    next.focus();
  };

  document.addEventListener('click', (event) => {
    closeMenus(event);
    const opener = closest(event, '[data-dialog]');
    const copied = closest(event, '[data-copy]');
    const tab = closest(event, '[role=tab]');
    if (closest(event, '[data-theme-toggle]')) turnTheme();
    if (opener) {
      closeMenus();
      document.querySelector(opener.dataset.dialog).showModal();
    }
    if (closest(event, '[data-close]') || event.target.matches('dialog[open]')) {
      event.target.closest('dialog').close();
    }
    if (copied) copy(copied);
    if (tab) choose(tab);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      const menu = closest(event, 'details.pd-menu[open]');
      closeMenus();
      menu?.querySelector('summary').focus();
    }
    if (!event.target.matches('[role=tab]')) return;
    if (event.key === 'ArrowRight') turn(event.target, 1);
    if (event.key === 'ArrowLeft') turn(event.target, -1);
  });
  document.addEventListener('change', (event) => closest(event, 'form[data-auto]')?.requestSubmit());
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (!form.matches('[data-once]')) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = 'yes';
  });
  document.addEventListener('DOMContentLoaded', () => {
    /* What happened last stands at the right, where a narrow window does not look. */
    document.querySelectorAll('[data-from-end]').forEach((shown) => { shown.scrollLeft = shown.scrollWidth; });
    document.querySelectorAll('[role=tablist]').forEach((list) => {
      list.hidden = false;
      choose(list.querySelector('[role=tab]'));
    });
  });

  const span = (seconds) => {
    const [size, unit] = [[86400, root.dataset.day], [3600, 'h'], [60, 'min']].find(([size]) => seconds >= size) || [1, 's'];
    return `${Math.floor(seconds / size)}\u00a0${unit}`;
  };
  setInterval(() => {
    document.querySelectorAll('time[data-rel]').forEach((time) => {
      const seconds = (Date.now() - new Date(time.dateTime)) / 1000;
      const words = seconds < 0 ? root.dataset.in : root.dataset.ago;
      time.textContent = words.replace('#', span(Math.abs(seconds)));
    });
  }, 10000);
})();
