/* Zooming into a stretch of a chart: by dragging, or with the arrow keys, Shift and Enter. The stretch becomes
   `from` and `to` of an address. A chart may be replaced meanwhile: nothing of it is kept but the two ends. */
(() => {
  'use strict';
  const LEAST = 5; // pixels: less is a click
  let chart = null; // what is zoomed in, from its first slot to its last one
  let ends = [0, 0];
  let start = null; // pixels, while the button is down

  const clamp = (value, most) => Math.max(0, Math.min(value, most));
  const slots = () => Number(chart.dataset.slots);
  const gutter = () => Number(chart.dataset.gutter || 0) / 100;
  const current = () => (chart.isConnected ? chart : document.querySelector('[data-zoom]'));
  const moment = (place) => {
    const [since, until] = [Date.parse(chart.dataset.since), Date.parse(chart.dataset.until)];
    return new Date(Math.round((since + (until - since) * place / slots()) / 1000) * 1000);
  };
  const placeOf = (x) => {
    const box = chart.getBoundingClientRect();
    const share = (x - box.left) / box.width;
    return clamp(Math.floor(slots() * (share - gutter()) / (1 - gutter())), slots() - 1);
  };
  const sorted = () => [Math.min(...ends), Math.max(...ends) + 1];
  const shown = (date) => date.toLocaleTimeString(document.documentElement.lang, { timeZone: document.documentElement.dataset.zone, hour12: false });
  const draw = (isChosen) => {
    const band = chart.querySelector('[data-zoom-band]');
    const [from, to] = sorted();
    const percent = (place) => 100 * (gutter() + (1 - gutter()) * place / slots());
    band.setAttribute('x', `${percent(from)}%`);
    band.setAttribute('width', isChosen ? `${percent(to) - percent(from)}%` : '0');
  };
  const say = (isChosen) => {
    const said = document.querySelector('[data-zoom-said]');
    if (!said) return;
    const [from, to] = sorted();
    said.textContent = isChosen ? said.dataset.words.replace('#1', shown(moment(from))).replace('#2', shown(moment(to))) : '';
  };
  const leave = () => {
    if (!chart) return;
    draw(false);
    say(false);
    delete chart.dataset.zooming;
    chart = null;
    start = null;
  };
  const zoom = () => {
    const [from, to] = sorted();
    const address = new URL(chart.dataset.href, location.href);
    address.searchParams.set('from', moment(from).toISOString().replace('.000', ''));
    address.searchParams.set('to', moment(to).toISOString().replace('.000', ''));
    leave();
    location.assign(address);
  };

  document.addEventListener('pointerdown', (event) => {
    const found = event.target.closest('[data-zoom]');
    if (!found || event.button !== 0) return;
    leave();
    chart = found;
    chart.dataset.zooming = '';
    start = event.clientX;
    ends = [placeOf(start), placeOf(start)];
  });
  document.addEventListener('pointermove', (event) => {
    if (start === null) return;
    chart = current();
    ends[1] = placeOf(event.clientX);
    draw(Math.abs(event.clientX - start) >= LEAST);
  });
  document.addEventListener('pointerup', (event) => {
    if (start === null) return;
    if (Math.abs(event.clientX - start) >= LEAST) zoom();
    else leave();
  });
  document.addEventListener('pointercancel', leave);

  document.addEventListener('keydown', (event) => {
    const found = event.target.closest?.('[data-zoom]');
    if (!found || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) {
      event.preventDefault();
      const isNew = chart !== found;
      chart = found;
      chart.dataset.zooming = '';
      const end = isNew ? slots() - 1 : clamp(ends[1] + by, slots() - 1);
      ends = event.shiftKey && !isNew ? [ends[0], end] : [end, end];
      draw(true);
      say(true);
    } else if (chart && event.key === 'Enter') {
      event.preventDefault();
      zoom();
    } else if (event.key === 'Escape') leave();
  });
  document.addEventListener('focusout', (event) => {
    if (start === null && event.target.closest?.('[data-zoom]')) leave();
  });
})();
