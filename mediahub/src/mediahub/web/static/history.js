// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// What was played. The filters are in the address, so that a view can be bookmarked and shared.

import { get } from './api.js';
import { h, say } from './dom.js';
import * as words from './words.js';

const PAGE = 50;
const TYPES = [['', 'Everything'], ['movie', 'Films'], ['episode', 'Episodes'], ['track', 'Music'], ['live', 'Live TV'], ['clip', 'Clips']];
const WAYS = [['', 'Any'], ['direct play', 'Direct play'], ['copy', 'Direct stream'], ['transcode', 'Transcode'], ['unknown', 'Unknown']];

export class History {
  #rows = h('tbody');
  #shown = h('p', { class: 'hint', 'aria-live': 'polite' });
  #more = h('button', { type: 'button', onclick: () => this.#load(true) }, 'Show more');
  #cursor = null;
  #count = 0;
  #asked = 0;

  constructor(app) {
    this.app = app;
  }

  show(place, query) {
    this.query = query;
    const columns = ['Ended', 'Viewer', 'Title', 'Player', 'Delivery', 'Watched', 'Seen'];
    place.replaceChildren(
      h('div', { class: 'head' }, h('h1', {}, 'History'), this.#shown),
      this.#filters(),
      h('div', { class: 'scroll' }, h(
        'table',
        { class: 'stacked' },
        h('caption', { class: 'visually-hidden' }, 'Plays, newest first'),
        h('thead', {}, h('tr', {}, columns.map((name, at) => h('th', { scope: 'col', class: at > 4 ? 'number' : '' }, name)))),
        this.#rows,
      )),
      h('p', {}, this.#more),
    );
    this.#load(false);
  }

  hide() {
    this.#asked += 1;
  }

  update(kind, plays) {
    // Somebody who reads further down is not interrupted by a row that comes in above.
    if (kind === 'events' && plays.some((play) => play.stopped_at) && this.#count <= PAGE) this.#load(false);
  }

  #filters() {
    const field = (name, label, options) => h('label', {}, label, options
      ? h('select', { name }, options.map(([value, text]) => h('option', { value, selected: this.query.get(name) === value }, text)))
      : h('input', { name, type: name.endsWith('day') ? 'date' : 'search', value: this.query.get(name) ?? '', autocomplete: 'off' }));
    const form = h(
      'form',
      { class: 'filters', role: 'search', 'aria-label': 'Filter the history' },
      field('search', 'Title'), field('user', 'Viewer'), field('media_type', 'Kind', TYPES), field('decision', 'Delivery', WAYS),
      this.app.servers.length > 1 ? field('server', 'Server', [['', 'All'], ...this.app.servers.map((server) => [server.machine_id, server.name])]) : null,
      field('from_day', 'From'), field('to_day', 'Until'),
      h('button', { type: 'reset', class: 'quiet' }, 'Clear'),
    );
    const apply = () => {
      const chosen = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
      this.query = chosen;
      window.history.replaceState(null, '', `#/history${chosen.size ? `?${chosen}` : ''}`);
      this.#load(false);
    };
    let timer = 0;
    form.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(apply, 250);
    });
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      apply();
    });
    form.addEventListener('reset', (event) => {
      event.preventDefault();
      for (const control of form.elements) if (control.name) control.value = '';
      apply();
    });
    return form;
  }

  async #load(more) {
    const asked = (this.#asked += 1);
    this.#more.disabled = true;
    try {
      const page = await get('history', { ...this.#question(), limit: PAGE, cursor: more ? this.#cursor : '' });
      if (asked !== this.#asked) return;
      if (!more) {
        this.#rows.replaceChildren();
        this.#count = 0;
      }
      this.#rows.append(...page.plays.map((play) => this.#row(play)));
      this.#count += page.plays.length;
      this.#cursor = page.next;
      this.#more.hidden = !page.next;
      say(this.#shown, page.total ? `${words.count(this.#count)} of ${words.count(page.total)} plays` : 'No play matches.');
    } catch (error) {
      if (asked === this.#asked) say(this.#shown, error.message);
    } finally {
      this.#more.disabled = false;
    }
  }

  #question() {
    const question = Object.fromEntries(this.query);
    const { from_day: first, to_day: last } = question;
    delete question.from_day;
    delete question.to_day;
    if (first) question.start = new Date(`${first}T00:00`).toISOString();
    if (last) {
      const end = new Date(`${last}T00:00`);
      end.setDate(end.getDate() + 1);
      question.end = end.toISOString();
    }
    return question;
  }

  #row(play) {
    const [name, within] = words.title(play.item);
    const [kind, way] = words.decision(play.stream.decision);
    const cell = (label, properties, ...content) => h('td', { 'data-label': label, ...properties }, content);
    return h(
      'tr',
      {},
      cell('Ended', {}, words.moment(play.stopped_at)),
      cell('Viewer', {}, play.viewer.name || 'Somebody'),
      cell('Title', {}, h('span', {}, h('strong', {}, name), within ? ` ${within}` : '')),
      cell('Player', {}, [play.player.title, play.player.platform].filter(Boolean).join(' · ')),
      cell('Delivery', {}, h('span', { class: kind, title: play.stream.reason }, way)),
      cell('Watched', { class: 'number' }, words.length(play.played_ms)),
      cell('Seen', { class: 'number' }, play.percent === null || play.percent === undefined ? '' : `${play.percent} %`),
    );
  }
}
