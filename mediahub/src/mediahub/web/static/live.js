// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// The hub's websocket: what plays at this moment, and everything that changes. It comes back by
// itself, with a snapshot first, so that nothing has to be reloaded.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 15000;
// The hub sends something at least every 20 s; a socket that says nothing for longer is dead.
const SILENCE = 45000;

/** Tells listeners of messages and of the state of the connection. */
export class Live extends EventTarget {
  #socket = null;
  #pause = FIRST_PAUSE;
  #timer = 0;
  #watch = 0;
  #closed = false;

  open() {
    this.#closed = false;
    this.#connect();
    window.addEventListener('online', this.#hurry);
    document.addEventListener('visibilitychange', this.#hurry);
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#watch);
    window.removeEventListener('online', this.#hurry);
    document.removeEventListener('visibilitychange', this.#hurry);
    this.#socket?.close();
  }

  #hurry = () => {
    if (this.#closed || document.hidden || this.#socket?.readyState === WebSocket.OPEN) return;
    this.#pause = FIRST_PAUSE;
    clearTimeout(this.#timer);
    this.#connect();
  };

  #connect() {
    if (this.#socket && this.#socket.readyState <= WebSocket.OPEN) return;
    const url = new URL('api/v1/ws', document.baseURI);
    url.protocol = url.protocol.replace('http', 'ws');
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = (event) => {
      this.#alive(socket);
      this.#pause = FIRST_PAUSE;
      this.dispatchEvent(new CustomEvent('message', { detail: JSON.parse(event.data) }));
    };
    socket.onopen = () => {
      this.#alive(socket);
      this.#tell('connected');
    };
    socket.onclose = (event) => this.#lost(socket, event);
  }

  #alive(socket) {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#lost(socket, { code: 0 }), SILENCE);
  }

  #lost(socket, event) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    socket.onclose = null;
    socket.close();
    clearTimeout(this.#watch);
    if (this.#closed) return;
    this.#tell(event.code === 4401 ? 'signed-out' : 'lost');
    if (event.code === 4401) return;
    this.#timer = setTimeout(() => this.#connect(), this.#pause * (0.75 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #tell(state) {
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}
