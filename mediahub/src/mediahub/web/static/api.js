// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// Requests to the hub. Every answer is in its envelope; what is wrong is thrown as an Error whose
// message is the hub's own line.

const BASE = 'api/v1/';

// A page of another origin does not know it; the hub takes no change without it.
let csrf = '';

/** A refusal of the hub. */
export class Refused extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Send; another tab may have renewed the session meanwhile, so ask once more what changes need. */
async function send(method, path, options = {}) {
  try {
    return await once(method, path, options);
  } catch (error) {
    if (error.code !== 'CSRF') throw error;
    await session();
    return once(method, path, options);
  }
}

async function once(method, path, { query = {}, body } = {}) {
  const url = new URL(BASE + path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== '' && value !== null && value !== undefined) url.searchParams.set(name, value);
  }
  const headers = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response;
  try {
    response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused(0, 'UNREACHABLE', 'The hub does not answer. It is asked again by itself.');
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok || answer?.status !== 'success') {
    const error = answer?.error ?? {};
    throw new Refused(response.status, error.code ?? 'UNKNOWN', error.message ?? `The hub answered ${response.status}.`);
  }
  return answer;
}

/** Who is signed in; changes need what comes with the answer. */
export async function session() {
  const me = await get('auth/session');
  csrf = me.csrf_token;
  return me;
}

export const get = async (path, query) => (await send('GET', path, { query })).data;
export const post = async (path, body = {}) => (await send('POST', path, { body })).data;
export const remove = async (path, query) => (await send('DELETE', path, { query })).data;
