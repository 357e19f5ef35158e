// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// Makes elements. Text is always set as text: what a server calls a film is never read as HTML.

/**
 * An element with properties and children.
 *
 * A property that begins with "on" is a listener, one that holds a hyphen or is "role" or "for" an
 * attribute, "class" its classes, and any other a property of the element. Children that are null
 * or false are left out.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (name.includes('-') || name === 'role' || name === 'for') element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

/** Set an element's text, only where it differs, so that a screen reader is not disturbed. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const dialog = () => document.getElementById('ask');

/**
 * Ask before something is destroyed.
 *
 * Resolves to null when the answer is no, else to the text that was typed ('' where none is asked for).
 */
export function ask({ title, text, yes, message = false }) {
  const box = dialog();
  const input = document.getElementById('ask-input');
  document.getElementById('ask-title').textContent = title;
  document.getElementById('ask-text').textContent = text;
  document.getElementById('ask-yes').textContent = yes;
  document.getElementById('ask-label').hidden = !message;
  input.value = '';
  box.returnValue = 'no';
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener('close', () => resolve(box.returnValue === 'yes' ? input.value : null), { once: true });
  });
}

/** Show what went wrong until it is put right or the reader dismisses it. */
export function complain(text) {
  const place = document.getElementById('alerts');
  const close = h('button', { type: 'button', class: 'quiet', onclick: () => box.remove() }, 'Dismiss');
  const box = h('div', { class: 'alert row' }, h('span', {}, text), close);
  if ([...place.children].some((other) => other.firstChild.textContent === text)) return;
  place.append(box);
}
