// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// Values as people read them. Times are shown in the reader's own time zone.

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const NUMBER = new Intl.NumberFormat();

/** Milliseconds as 1:02:03. */
export function clock(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, place) => (place ? String(part).padStart(2, '0') : String(part))).join(':');
}

/** Milliseconds as "2 h 5 min", for lengths that nobody counts in seconds. */
export function length(ms) {
  const minutes = Math.round(ms / 60000);
  if (minutes < 60) return `${minutes} min`;
  return `${NUMBER.format(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** A moment. */
export function moment(text) {
  return text ? DAY.format(new Date(text)) : '';
}

/** A number with its thousands set apart. */
export function count(value) {
  return NUMBER.format(value);
}

/** Kilobits a second. */
export function rate(kbps) {
  if (!kbps) return '';
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`;
}

/** What is played, in two lines: what people call it, and which part of it. */
export function title(item) {
  if (item.media_type === 'episode') {
    const number = (letter, value) => (value === null ? '' : `${letter}${String(value).padStart(2, '0')}`);
    const place = number('S', item.parent_index) + number('E', item.index);
    const parts = item.grandparent_title ? [item.grandparent_title, place, item.title] : [item.title, place];
    return [parts[0] || 'Untitled', parts.slice(1).filter(Boolean).join(' · ')];
  }
  const parts = item.media_type === 'track' ? [item.grandparent_title, item.parent_title] : [item.year && String(item.year)];
  return [item.title || 'Untitled', parts.filter(Boolean).join(' · ')];
}

const DECISIONS = {
  'direct play': ['direct', 'Direct play'],
  copy: ['copy', 'Direct stream'],
  transcode: ['transcode', 'Transcode'],
  unknown: ['hint', 'Unknown'],
};

/** The class and name of a way to deliver. */
export function decision(value) {
  return DECISIONS[value] ?? ['', value || 'Unknown'];
}

const STATES = { playing: 'Playing', paused: 'Paused', buffering: 'Buffering', stopped: 'Ended' };

/** What a player does. */
export function state(value) {
  return STATES[value] ?? value;
}
