// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// What plays now. A card is made once for a play and changed in place; between two messages of the
// hub the position moves on by itself.

import { get, post } from './api.js';
import { ask, complain, h, say } from './dom.js';
import * as words from './words.js';

// How long the card of a play that ended stays.
const FAREWELL = 8000;

export class NowPlaying {
  #cards = new Map();
  #list = h('ul', { class: 'cards', id: 'streams' });
  #totals = h('p', { class: 'totals', id: 'totals', 'aria-live': 'polite' });
  #empty = h('p', { class: 'hint', id: 'nothing' }, 'Nothing plays. A stream appears here by itself.');
  #ticker = 0;

  constructor(app) {
    this.app = app;
  }

  show(place) {
    place.replaceChildren(h('div', { class: 'head' }, h('h1', {}, 'Now playing'), this.#totals), this.#empty, this.#list);
    this.#ticker = setInterval(() => this.#cards.forEach((card) => card.tick()), 1000);
    this.#set(this.app.plays);
  }

  hide() {
    clearInterval(this.#ticker);
  }

  update(kind, plays) {
    if (kind === 'snapshot') this.#set(plays);
    else plays.forEach((play) => this.#put(play));
    this.#total();
  }

  #set(plays) {
    const there = new Set(plays.map((play) => play.play_id));
    for (const [id, card] of this.#cards) if (!there.has(id)) this.#end(id, card);
    plays.forEach((play) => this.#put(play));
    this.#total();
  }

  #put(play) {
    let card = this.#cards.get(play.play_id);
    if (play.stopped_at) {
      if (card) {
        card.update(play);
        this.#end(play.play_id, card);
      }
      return;
    }
    if (card) clearTimeout(card.farewell);
    else {
      card = new Card(play, this.app);
      this.#cards.set(play.play_id, card);
      this.#list.append(card.element);
    }
    card.update(play);
  }

  #end(id, card) {
    card.end();
    clearTimeout(card.farewell);
    card.farewell = setTimeout(() => {
      card.element.remove();
      this.#cards.delete(id);
      this.#total();
    }, FAREWELL);
  }

  #total() {
    const cards = [...this.#cards.values()].filter((card) => !card.ended);
    this.#empty.hidden = this.#cards.size > 0;
    this.#totals.hidden = cards.length === 0;
    const transcodes = cards.filter((card) => card.play.stream.decision === 'transcode').length;
    const bandwidth = cards.reduce((sum, card) => sum + (card.play.stream.bandwidth ?? 0), 0);
    const streams = `${cards.length} ${cards.length === 1 ? 'stream' : 'streams'}`;
    const parts = [streams, transcodes ? `${transcodes} transcoding` : 'none transcoding', words.rate(bandwidth)];
    say(this.#totals, parts.filter(Boolean).join(' · '));
    document.title = cards.length ? `(${cards.length}) mediahub` : 'mediahub';
  }
}

class Card {
  ended = false;
  farewell = 0;
  #heard = 0;
  #parts = {};

  constructor(play, app) {
    this.app = app;
    this.play = play;
    const part = (name, tag, properties = {}) => (this.#parts[name] = h(tag, properties));
    const label = `title-${play.play_id}`;
    this.element = h(
      'li',
      { class: 'card stream', 'aria-labelledby': label, 'data-play': play.play_id },
      this.#poster(play),
      h(
        'div',
        {},
        part('title', 'h2', { class: 'what', id: label }),
        part('within', 'p', { class: 'facts' }),
        part('who', 'p', { class: 'facts' }),
        h('p', { class: 'row' }, part('state', 'span', { class: 'pill' }), part('decision', 'span')),
        part('why', 'p', { class: 'facts' }),
        part('rate', 'p', { class: 'facts' }),
      ),
      h(
        'div',
        { class: 'foot' },
        part('progress', 'progress', { max: 1, 'aria-label': 'Position' }),
        h('div', { class: 'times' }, part('position', 'span'), part('length', 'span')),
        app.me.role === 'admin' ? h('div', { class: 'row end' }, part('stop', 'button', {
          type: 'button', class: 'danger', onclick: () => this.#terminate(),
        })) : null,
      ),
    );
    if (this.#parts.stop) this.#parts.stop.textContent = 'Stop stream';
  }

  #poster(play) {
    const blank = () => h('div', { class: 'poster blank', 'aria-hidden': 'true' }, play.item.media_type === 'track' ? '♪' : '▶');
    if (!play.item.thumb) return blank();
    const source = new URL('api/v1/images', document.baseURI);
    source.search = new URLSearchParams({ server: play.server, path: play.item.thumb, width: 240, height: 360 });
    const picture = h('img', { class: 'poster', alt: '', loading: 'lazy', src: source.href });
    picture.addEventListener('error', () => picture.replaceWith(blank()), { once: true });
    return picture;
  }

  update(play) {
    this.play = play;
    this.ended = false;
    this.#heard = Date.now();
    const { title, within, who, state, decision, why, rate } = this.#parts;
    const [name, part] = words.title(play.item);
    const [kind, way] = words.decision(play.stream.decision);
    say(title, name);
    say(within, part);
    say(who, [play.viewer.name || 'Somebody', play.player.title || play.player.product, play.player.platform].filter(Boolean).join(' · '));
    say(state, words.state(play.state));
    decision.className = `pill ${kind}`;
    say(decision, way + (play.stream.hardware ? ' (hardware)' : ''));
    say(why, play.stream.reason);
    why.hidden = !play.stream.reason;
    const place = play.player.local === null ? '' : play.player.local ? 'local' : 'remote';
    say(rate, [words.rate(play.stream.bandwidth), place, this.app.serverName(play.server)].filter(Boolean).join(' · '));
    this.element.classList.remove('ended');
    if (this.#parts.stop) this.#parts.stop.setAttribute('aria-label', `Stop the stream of ${name}`);
    this.tick();
  }

  tick() {
    const { duration_ms: whole } = this.play.item;
    const { progress, position, length } = this.#parts;
    let offset = this.play.offset_ms ?? 0;
    if (!this.ended && this.play.state === 'playing') offset += Date.now() - this.#heard;
    if (whole) offset = Math.min(offset, whole);
    say(position, words.clock(offset));
    say(length, whole ? words.clock(whole) : 'live');
    progress.hidden = !whole;
    if (whole) progress.value = offset / whole;
  }

  end() {
    this.ended = true;
    this.element.classList.add('ended');
    say(this.#parts.state, words.state('stopped'));
    if (this.#parts.stop) this.#parts.stop.disabled = true;
    this.tick();
  }

  async #terminate() {
    const [name] = words.title(this.play.item);
    const message = await ask({
      title: 'Stop this stream?',
      text: `${this.play.viewer.name || 'Somebody'} watches ${name}. The server ends it and shows the message.`,
      yes: 'Stop stream',
      message: true,
    });
    if (message === null) return;
    try {
      await post('plex/sessions/terminate', { server: this.play.server, play_id: this.play.play_id, message });
    } catch (error) {
      complain(error.message);
    }
  }
}

/** What plays, for a page whose websocket is not there yet. */
export const playing = () => get('live');
