/* The live socket: replaces regions by the newest frame; says at once when it is stale. */
(() => {
  'use strict';
  const STALE = 5000;
  const OFFLINE = 60000;
  const conn = document.querySelector('[data-conn]');
  const held = (region) => region.matches(':hover') || region.contains(document.activeElement);
  let seq = 0;
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
  const show = (name, html) => {
    const old = document.getElementById(`live-${name}`);
    if (!old || (name === 'feed' && (paused || held(old)))) return;
    const fresh = new DOMParser().parseFromString(html, 'text/html').getElementById(`live-${name}`);
    if (old.isEqualNode(fresh)) return;
    if (name === 'board' && held(old)) renewHeld(old, fresh);
    else {
      const at = old.scrollTop;
      old.replaceWith(fresh);
      fresh.scrollTop = at;
    }
    if (name === 'board') filter();
  };
  const connect = () => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/ws/live/`);
    socket.onmessage = (message) => {
      const frame = JSON.parse(message.data);
      tries = 0;
      seq = frame.seq;
      last = Date.now();
      Object.entries(frame.regions).forEach(([name, html]) => show(name, html));
    };
    socket.onclose = (event) => {
      seq = 0;
      if (event.code === 4401 || event.code === 4403) {
        location.reload();
        return;
      }
      tries += 1;
      setTimeout(connect, Math.min(500 * 2 ** tries, 8000) * (0.5 + Math.random() / 2));
    };
  };
  setInterval(() => {
    const age = Date.now() - last;
    if (!last) return;
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
    const pause = event.target.closest('[data-feed-pause]');
    if (pause) {
      paused = !paused;
      pause.setAttribute('aria-pressed', String(paused));
      pause.setAttribute('aria-label', paused ? 'Resume live feed' : 'Pause live feed');
    }
  });
  connect();
})();
