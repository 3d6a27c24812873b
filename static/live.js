/* The live socket: replaces the regions that a frame brings, those that changed; says at once when it is stale.
   A frame comes each second at least. It says when its rows were read, by the server's clock:
   `ahead` is how far that clock is before the page's own, from the frame that came fastest. */
(() => {
  'use strict';
  const STALE = 3000;
  const OFFLINE = 60000;
  const conn = document.querySelector('[data-conn]');
  const waiting = document.querySelector('[data-feed-new]');
  const pause = document.querySelector('[data-feed-pause]');
  const chosenKind = document.querySelector('[data-feed-filter]');
  const stale = document.querySelector('[data-stale]');
  const icon = document.querySelector('link[rel=icon]');
  const title = document.title.replace(/^\(\d+\) /, '');
  const opened = performance.now();
  let heldFeed = '';
  let heldBoard = '';
  let letThrough = false;
  let unseen = null;
  let last = null;
  let ahead = -Infinity;
  let broken = false;
  let tries = 0;
  let state = '';
  let paused = false;

  const held = (region) => region.matches(':hover') || region.contains(document.activeElement);

  /* The page brings the words, in its language; # is what is filled in. */
  const fill = (element, value) => { element.textContent = element.dataset.words.replace('#', value); };
  /* The connection: live, reconnecting, offline. Only a change of the word is announced. */
  const say = (name, tone, age) => {
    const word = conn.querySelector('[data-conn-word]');
    conn.dataset.state = name;
    conn.querySelector('.pd-dot').className = `pd-dot ${tone}`;
    const words = conn.dataset[{ live: 'live', stale: 'reconnecting', down: 'offline' }[name]];
    if (word.textContent !== words) word.textContent = words;
    fill(conn.querySelector('[data-conn-age] .num'), `${age} s`);
    conn.querySelector('[data-conn-asof]').hidden = true;
    conn.querySelector('[data-conn-age]').hidden = false;
    stale.hidden = name === 'live';
    fill(stale.querySelector('[data-stale-since]'), age);
    mark();
  };
  /* The browser's tab shows the worst of it, also when another page is looked at. */
  const mark = () => {
    const kpis = document.getElementById('live-kpis').dataset;
    const [risk, suspected] = [Number(kpis.atRisk), Number(kpis.suspected)];
    const number = risk + suspected;
    document.title = number ? `(${number}) ${title}` : title;
    const name = conn.dataset.state !== 'live' ? 'stale' : suspected ? 'suspected' : risk ? 'risk' : 'ok';
    const href = conn.dataset[`icon${name[0].toUpperCase()}${name.slice(1)}`];
    if (icon.getAttribute('href') !== href) icon.setAttribute('href', href);
  };
  const watch = () => {
    const age = performance.now() - (last ?? opened);
    if (last === null && age < STALE && !broken) return;
    const seconds = Math.round(age / 1000);
    if (age > OFFLINE) say('down', 'bad', seconds);
    else if (age > STALE || broken) say('stale', 'warn', seconds);
    else say('live', 'live', seconds);
  };

  const filterBoard = () => {
    document.querySelectorAll('[data-board-state]').forEach((button) => {
      button.setAttribute('aria-pressed', String(button.dataset.boardState === state));
    });
    document.querySelectorAll('.pd-board li[data-state]').forEach((row) => {
      row.hidden = Boolean(state) && row.dataset.state !== state;
    });
  };
  const isChosen = (row) => !chosenKind.value || row.dataset.kinds.split(' ').includes(chosenKind.value);
  const filterFeed = () => document.querySelectorAll('.pd-feed li[data-kinds]').forEach((row) => {
    row.hidden = !isChosen(row);
  });
  /* Board rows do not move under the pointer or the focus: what is in them is renewed. */
  const renewHeld = (old, fresh) => {
    fresh.querySelectorAll('li[data-device]').forEach((row) => {
      const mine = old.querySelector(`li[data-device="${row.dataset.device}"]`);
      if (mine && !mine.contains(document.activeElement)) mine.replaceWith(row);
    });
  };
  const parsed = (name, html) => new DOMParser().parseFromString(html, 'text/html').getElementById(`live-${name}`);
  /* A held feed keeps its rows; a button says how many new ones of the chosen kind wait and lets them in. A frame
     has the newest rows alone: where all of them are new there may be more. */
  const holdFeed = (old, fresh, html) => {
    const known = new Set([...old.querySelectorAll('li[data-push]')].map((row) => row.dataset.push));
    const rows = [...fresh.querySelectorAll('li[data-push]')];
    const news = rows.filter((row) => !known.has(row.dataset.push));
    const count = news.filter(isChosen).length;
    const isAll = known.size > 0 && news.length === rows.length;
    heldFeed = html;
    waiting.hidden = count === 0;
    fill(waiting, isAll ? `${count}+` : count);
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
    pause.setAttribute('aria-label', paused ? pause.dataset.resume : pause.dataset.pause);
    if (!paused) releaseFeed();
  };
  const flash = (old, fresh) => {
    if (!old.querySelector('li[data-push]')) return;
    fresh.querySelectorAll('li[data-push]').forEach((row) => {
      if (!old.querySelector(`li[data-push="${row.dataset.push}"]`)) row.classList.add('new');
    });
  };

  /* What has the focus in a region that is exchanged has it in the fresh one too. */
  const keptFocus = (old, fresh) => {
    const one = document.activeElement;
    if (!old.contains(one)) return () => {};
    const alike = (region) => [...region.querySelectorAll('a, button, summary, [tabindex]')]
      .filter((other) => other.tagName === one.tagName && other.getAttribute('href') === one.getAttribute('href'));
    const place = alike(old).indexOf(one);
    return () => alike(fresh)[place]?.focus({ preventScroll: true });
  };

  const show = (name, html) => {
    const old = document.getElementById(`live-${name}`);
    const fresh = parsed(name, html);
    // A chart that is zoomed in, or has the focus, stays what it is.
    const isInHand = name === 'outcomes' && (old?.contains(document.activeElement) || old?.querySelector('[data-zooming]'));
    if (!old || !fresh || isInHand) return;
    if (name === 'feed' && !letThrough && (paused || held(old))) {
      holdFeed(old, fresh, html);
      return;
    }
    if (name === 'board') heldBoard = held(old) ? html : '';
    if (name === 'board' && heldBoard) renewHeld(old, fresh);
    else if (!old.isEqualNode(fresh)) {
      if (name === 'feed') flash(old, fresh);
      const at = old.scrollTop;
      const focus = keptFocus(old, fresh);
      old.replaceWith(fresh);
      fresh.scrollTop = at;
      focus();
    }
    if (name === 'board') filterBoard();
    if (name === 'feed') {
      waiting.hidden = true;
      filterFeed();
    }
  };
  const draw = (regions) => {
    Object.entries(regions).forEach(([name, html]) => show(name, html));
    // A board that was held falls in line behind the pointer, though nothing of it is news any more.
    if (heldBoard && !held(document.getElementById('live-board'))) show('board', heldBoard);
    mark();
  };

  const connect = () => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    ahead = -Infinity;
    const socket = new WebSocket(`${scheme}://${location.host}/ws/live/?language=${document.documentElement.lang}&zone=${encodeURIComponent(document.documentElement.dataset.zone)}`);
    socket.onmessage = (message) => {
      const frame = JSON.parse(message.data);
      const readAt = Date.parse(frame.at);
      tries = 0;
      broken = false;
      ahead = Math.max(ahead, readAt - performance.now());
      last = readAt - ahead;
      watch();
      if (document.hidden) unseen = { ...unseen, ...frame.regions };
      else draw(frame.regions);
    };
    socket.onclose = (event) => {
      if (event.code === 4401 || event.code === 4403) {
        location.reload();
        return;
      }
      tries += 1;
      broken = true;
      watch();
      setTimeout(connect, Math.min(500 * 2 ** tries, 8000) * (0.5 + Math.random() / 2));
    };
  };

  document.addEventListener('click', (event) => {
    const chosen = event.target.closest('[data-board-state]');
    if (chosen) {
      state = chosen.dataset.boardState;
      filterBoard();
    }
    if (event.target.closest('[data-feed-pause]')) pauseFeed();
    if (event.target.closest('[data-feed-new]')) releaseFeed();
  });
  chosenKind.addEventListener('change', () => {
    filterFeed();
    if (heldFeed) holdFeed(document.getElementById('live-feed'), parsed('feed', heldFeed), heldFeed);
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
  setInterval(watch, 500);
  connect();
})();
