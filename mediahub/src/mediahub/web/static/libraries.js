// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// The libraries of all servers, with their scans.

import { get, post } from './api.js';
import { complain, h, say } from './dom.js';
import * as words from './words.js';

const QUICK = 1000;
const SLOW = 15000;

export class Libraries {
  #cards = new Map();
  #timer = 0;
  #asking = false;
  #hint = h('p', { class: 'hint' }, 'Loading…');
  #list = h('ul', { class: 'cards', id: 'libraries' });

  constructor(app) {
    this.app = app;
  }

  show(place) {
    this.shown = true;
    place.replaceChildren(h('div', { class: 'head' }, h('h1', {}, 'Libraries')), this.#hint, this.#list);
    this.#load();
  }

  hide() {
    this.shown = false;
    clearTimeout(this.#timer);
  }

  update() {}

  // A server told that its libraries change; who asks already is answered anyway.
  reload() {
    if (this.shown && !this.#asking) this.#load();
  }

  async #load() {
    clearTimeout(this.#timer);
    this.#asking = true;
    let scanning = false;
    try {
      const { libraries, unreachable } = await get('libraries');
      libraries.forEach((library) => this.#put(library));
      const there = new Set(libraries.map(key));
      for (const [id, card] of this.#cards) {
        // A server that does not answer keeps its cards: its libraries are not gone.
        if (!there.has(id) && !unreachable.some((server) => server.machine_id === card.library.machine_id)) {
          card.element.remove();
          this.#cards.delete(id);
        }
      }
      scanning = libraries.some((library) => library.scanning);
      const away = unreachable.map((server) => `${server.name} does not answer: ${server.reason}`);
      say(this.#hint, [...away, this.#cards.size || away.length ? '' : 'No server has a library yet.'].filter(Boolean).join(' '));
    } catch (error) {
      say(this.#hint, error.message);
    }
    this.#asking = false;
    this.#hint.hidden = !this.#hint.textContent;
    if (this.shown) this.#timer = setTimeout(() => this.#load(), scanning ? QUICK : SLOW);
  }

  #put(library) {
    const id = key(library);
    let card = this.#cards.get(id);
    if (!card) {
      card = this.#card(library);
      this.#cards.set(id, card);
      this.#list.append(card.element);
    }
    card.library = library;
    say(card.facts, [library.server, library.type, library.count === null ? '' : `${words.count(library.count)} items`].filter(Boolean).join(' · '));
    say(card.state, library.scanning ? `Scanning${library.progress === null ? '' : ` ${Math.round(library.progress)} %`}` : library.scanned_at ? `Last scan ${words.moment(library.scanned_at)}` : '');
    card.progress.hidden = !library.scanning;
    if (library.progress === null) card.progress.removeAttribute('value');
    else card.progress.value = library.progress / 100;
    if (card.scan) {
      card.scan.disabled = library.scanning;
      card.scan.hidden = !library.scannable;
    }
  }

  #card(library) {
    const card = { library, facts: h('p', { class: 'facts hint' }), state: h('p', { class: 'hint', 'aria-live': 'polite' }) };
    card.progress = h('progress', { max: 1, 'aria-label': `Scan of ${library.title}` });
    if (this.app.me.role === 'admin') {
      card.scan = h('button', { type: 'button', 'aria-label': `Scan ${library.title} on ${library.server}`, onclick: () => this.#scan(card) }, 'Scan');
    }
    card.element = h('li', { class: 'card', 'data-library': library.title }, h('h2', {}, library.title), card.facts, card.state, card.progress, card.scan ? h('div', { class: 'row end' }, card.scan) : null);
    return card;
  }

  async #scan(card) {
    card.scan.disabled = true;
    try {
      await post('libraries/scan', { server: card.library.machine_id, library: card.library.key });
    } catch (error) {
      complain(error.message);
    }
    this.#load();
  }
}

const key = (library) => `${library.machine_id}/${library.key}`;
