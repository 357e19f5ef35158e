// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// The page: who is signed in, which view is shown, and what the hub tells of its own accord.

import { get, post, Refused, session } from './api.js';
import { Charts } from './charts.js';
import { complain, h, say } from './dom.js';
import { History } from './history.js';
import { Libraries } from './libraries.js';
import { Live } from './live.js';
import { NowPlaying } from './now.js';
import { Servers } from './servers.js';

const content = document.getElementById('content');
const navigation = document.getElementById('navigation');
const connection = document.getElementById('connection');

class App {
  me = null;
  plays = [];
  servers = [];
  #live = new Live();
  #view = null;
  #views = {
    now: new NowPlaying(this), history: new History(this), charts: new Charts(this),
    libraries: new Libraries(this), servers: new Servers(this),
  };

  async start() {
    this.#themes();
    window.addEventListener('hashchange', () => this.#route());
    document.getElementById('sign-out').addEventListener('click', () => this.#signOut());
    this.#live.addEventListener('message', (event) => this.#heard(event.detail));
    this.#live.addEventListener('state', (event) => this.#connection(event.detail));
    await this.#enter();
  }

  serverName(machine) {
    return this.servers.length > 1 ? (this.servers.find((server) => server.machine_id === machine)?.name ?? '') : '';
  }

  async #enter() {
    try {
      this.me = await session();
      this.servers = (await get('servers')).servers;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) return this.#signIn();
      content.replaceChildren(h('p', { class: 'hint', role: 'status' }, error.message));
      setTimeout(() => this.#enter(), 3000);
      return undefined;
    }
    navigation.hidden = false;
    document.getElementById('sign-out').hidden = false;
    this.#live.open();
    return this.#route();
  }

  #heard(message) {
    if (message.type === 'snapshot') this.plays = message.plays;
    else if (message.type === 'events') this.#merge(message.plays);
    else if (message.type === 'alert') return complain(message.text);
    else if (message.type === 'libraries') return this.#view?.reload?.();
    else return undefined;
    this.#view?.update(message.type, message.plays);
    return undefined;
  }

  #merge(changed) {
    const plays = new Map(this.plays.map((play) => [play.play_id, play]));
    for (const play of changed) {
      if (play.stopped_at) plays.delete(play.play_id);
      else plays.set(play.play_id, play);
    }
    this.plays = [...plays.values()];
  }

  #connection(state) {
    if (state === 'signed-out') {
      this.#signIn();
      return;
    }
    connection.hidden = false;
    connection.className = `pill ${state === 'connected' ? 'good' : 'warn'}`;
    say(connection, state === 'connected' ? '● Live' : '○ Reconnecting…');
  }

  #route() {
    if (!this.me) return;
    const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
    const name = path in this.#views ? path : 'now';
    for (const link of navigation.querySelectorAll('a')) {
      if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    const before = this.#view;
    before?.hide();
    this.#view = this.#views[name];
    this.#view.show(content, new URLSearchParams(query ?? ''));
    if (before) content.focus({ preventScroll: false });
  }

  #signIn() {
    this.me = null;
    this.#live.close();
    this.#view?.hide();
    this.#view = null;
    navigation.hidden = true;
    connection.hidden = true;
    document.getElementById('sign-out').hidden = true;
    const hint = h('p', { class: 'hint', role: 'status' }, 'Whoever owns or shares one of the servers may come in.');
    const button = h('button', { type: 'button', class: 'primary', onclick: () => this.#begin(button, hint) }, 'Sign in with Plex');
    content.replaceChildren(h('section', { class: 'card center' }, h('h1', {}, 'Welcome'), hint, h('p', {}, button)));
    button.focus();
  }

  async #begin(button, hint) {
    button.disabled = true;
    try {
      const back = location.pathname + location.hash;
      const { authorization_url: url } = await get('auth/plex/start', { return_to: back });
      location.assign(url);
    } catch (error) {
      say(hint, error.message);
      button.disabled = false;
    }
  }

  async #signOut() {
    try {
      await post('auth/plex/revoke');
    } catch (error) {
      if (error.status !== 401) return complain(error.message);
    }
    return this.#signIn();
  }

  #themes() {
    const button = document.getElementById('theme');
    const names = { auto: '◐ Auto', light: '☀ Light', dark: '☾ Dark' };
    const order = ['auto', 'light', 'dark'];
    const current = () => document.documentElement.dataset.theme ?? 'auto';
    const show = () => {
      button.textContent = names[current()];
      button.setAttribute('aria-label', `Colours: ${current()}`);
    };
    button.addEventListener('click', () => {
      const next = order[(order.indexOf(current()) + 1) % order.length];
      if (next === 'auto') delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = next;
      if (next === 'auto') localStorage.removeItem('mediahub-theme');
      else localStorage.setItem('mediahub-theme', next);
      show();
      this.#views.charts.recolour();
    });
    show();
  }
}

new App().start();
