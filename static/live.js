/* The live socket: replaces regions by the newest frame; says at once when it is stale. */
(() => {
  'use strict';
  const STALE = 5000;
  const OFFLINE = 60000;
  const conn = document.querySelector('[data-conn]');
  const held = (region) => region.matches(':hover') || region.contains(document.activeElement);
  const waiting = document.querySelector('[data-feed-new]');
  const pause = document.querySelector('[data-feed-pause]');
  const opened = Date.now();
  let heldFeed = '';
  let letThrough = false;
  let unseen = null;
  let last = 0;
  let tries = 0;
  let state = '';
  let paused = false;

  const say = (name, tone, words) => {
    conn.dataset.state = name;
    conn.querySelector('.pd-dot').className = `pd-dot ${tone}`;
    conn.lastElementChild.textContent = words;
  };
  const filter = () => {
    document.querySelectorAll('[data-board-state]').forEach((button) => {
      button.setAttribute('aria-pressed', String(button.dataset.boardState === state));
    });
    document.querySelectorAll('.pd-board li[data-state]').forEach((row) => {
      row.hidden = Boolean(state) && row.dataset.state !== state;
    });
  };
  /* Board rows do not move under the pointer or the focus: what is in them is renewed. */
  const renewHeld = (old, fresh) => {
    fresh.querySelectorAll('li[data-device]').forEach((row) => {
      const mine = old.querySelector(`li[data-device="${row.dataset.device}"]`);
      if (mine && !mine.contains(document.activeElement)) mine.replaceWith(row);
    });
  };
  /* A held feed keeps its rows; a button says how many new ones wait and lets them in. */
  const holdFeed = (old, fresh, html) => {
    const known = new Set([...old.querySelectorAll('li[data-push]')].map((row) => row.dataset.push));
    const rows = [...fresh.querySelectorAll('li[data-push]')];
    const count = rows.filter((row) => !known.has(row.dataset.push)).length;
    heldFeed = html;
    waiting.hidden = count === 0;
    waiting.textContent = `${count} new`;
  };
  const releaseFeed = () => {
    waiting.hidden = true;
    if (!heldFeed) return;
    letThrough = true;
    show('feed', heldFeed);
    letThrough = false;
    heldFeed = '';
  };
  const pauseFeed = () => {
    paused = !paused;
    pause.setAttribute('aria-pressed', String(paused));
    pause.setAttribute('aria-label', paused ? 'Resume live feed' : 'Pause live feed');
    if (!paused) releaseFeed();
  };
  const show = (name, html) => {
    const old = document.getElementById(`live-${name}`);
    const fresh = new DOMParser().parseFromString(html, 'text/html').getElementById(`live-${name}`);
    if (!old || !fresh) return;
    if (name === 'feed' && !letThrough && (paused || held(old))) {
      holdFeed(old, fresh, html);
      return;
    }
    if (old.isEqualNode(fresh)) return;
    if (name === 'board' && held(old)) renewHeld(old, fresh);
    else {
      const at = old.scrollTop;
      old.replaceWith(fresh);
      fresh.scrollTop = at;
    }
    if (name === 'board') filter();
    if (name === 'feed') waiting.hidden = true;
  };
  const draw = (regions) => Object.entries(regions).forEach(([name, html]) => show(name, html));
  const connect = () => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws/live/`);
    socket.onmessage = (message) => {
      const frame = JSON.parse(message.data);
      tries = 0;
      last = Date.now();
      if (document.hidden) unseen = frame.regions;
      else draw(frame.regions);
    };
    socket.onclose = (event) => {
      if (event.code === 4401 || event.code === 4403) {
        location.reload();
        return;
      }
      tries += 1;
      setTimeout(connect, Math.min(500 * 2 ** tries, 8000) * (0.5 + Math.random() / 2));
    };
  };
  setInterval(() => {
    const age = Date.now() - (last || opened);
    if (!last && age < STALE) return;
    if (age > OFFLINE) say('offline', 'bad', `offline · nothing new for ${Math.round(age / 1000)} s`);
    else if (age > STALE) say('reconnecting', 'warn', `reconnecting · ${Math.round(age / 1000)} s old`);
    else say('live', 'live', `live · updated ${Math.round(age / 1000)} s ago`);
  }, 500);
  document.addEventListener('click', (event) => {
    const chosen = event.target.closest('[data-board-state]');
    if (chosen) {
      state = chosen.dataset.boardState;
      filter();
    }
    if (event.target.closest('[data-feed-pause]')) pauseFeed();
    if (event.target.closest('[data-feed-new]')) releaseFeed();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'p' && window.pushdashKeys.listens(event)) pauseFeed();
  });
  /* A hidden page draws nothing; the newest frame is shown when it is looked at again. */
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || !unseen) return;
    draw(unseen);
    unseen = null;
  });
  connect();
})();
