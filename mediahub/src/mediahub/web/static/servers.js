// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// The servers, how they are, and what to do about one that is not well.

import { get } from './api.js';
import { h, say } from './dom.js';
import * as words from './words.js';

const AGAIN = 5000;

export class Servers {
  #timer = 0;
  #list = h('ul', { class: 'cards', id: 'servers' });
  #hint = h('p', { class: 'hint' }, 'Loading…');

  constructor(app) {
    this.app = app;
  }

  show(place) {
    this.shown = true;
    place.replaceChildren(h('div', { class: 'head' }, h('h1', {}, 'Servers')), this.#hint, this.#list);
    this.#load();
  }

  hide() {
    this.shown = false;
    clearTimeout(this.#timer);
  }

  update() {}

  async #load() {
    try {
      const { servers } = await get('servers');
      this.app.servers = servers;
      this.#list.replaceChildren(...servers.map(card));
      say(this.#hint, servers.length ? '' : 'No server is configured. Set PLEX_URL and PLEX_TOKEN, or relate one, and restart the hub.');
    } catch (error) {
      say(this.#hint, error.message);
    }
    this.#hint.hidden = !this.#hint.textContent;
    if (this.shown) this.#timer = setTimeout(() => this.#load(), AGAIN);
  }
}

function card(server) {
  const [kind, word] = server.connected ? ['good', '● Connected'] : ['bad', '○ Not connected'];
  const fact = (name, value) => (value ? [h('dt', {}, name), h('dd', {}, value)] : []);
  return h(
    'li',
    { class: 'card', 'data-server': server.name },
    h('div', { class: 'row' }, h('h2', {}, server.name), h('span', { class: `pill ${kind}` }, word), !server.watched ? h('span', { class: 'pill' }, 'libraries only') : server.realtime ? h('span', { class: 'pill good' }, 'live') : h('span', { class: 'pill warn' }, 'asks every few seconds')),
    server.reason ? h('p', { class: 'bad' }, server.reason) : null,
    server.advice ? h('p', {}, server.advice) : null,
    h('dl', {}, fact('Type', server.type), fact('Version', server.version), fact('Machine', server.machine_id), fact('Last answer', words.moment(server.last_snapshot_at)), fact('Streams', server.watched ? String(server.streams) : '')),
  );
}
