// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// The charts. Each has a table of the same numbers, for those who cannot see it or want to copy it.

import { get } from './api.js';
import { h } from './dom.js';
import * as words from './words.js';

const RANGES = [['7', '7 days'], ['30', '30 days'], ['90', '90 days'], ['365', 'a year'], ['', 'all time']];
const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const TYPES = [['movie', 'Films'], ['episode', 'Episodes'], ['track', 'Music'], ['live', 'Live TV'], ['clip', 'Clips'], ['photo', 'Photos'], ['other', 'Other']];
const WAYS = [['direct play', 'Direct play'], ['copy', 'Direct stream'], ['transcode', 'Transcode'], ['unknown', 'Unknown']];

const CHARTS = [
  { path: 'by-day', title: 'Plays by day', type: 'bar', split: TYPES, wide: true },
  { path: 'concurrent', title: 'Most streams at once', type: 'line', split: WAYS, wide: true },
  { path: 'by-hour', title: 'Plays by hour', type: 'bar', split: TYPES, label: (key) => `${key}:00` },
  { path: 'by-weekday', title: 'Plays by weekday', type: 'bar', split: TYPES, label: (key) => WEEKDAYS[Number(key) - 1] ?? key },
  { path: 'by-user', title: 'Viewers', type: 'row', split: WAYS },
  { path: 'by-library', title: 'Libraries', type: 'row' },
  { path: 'by-platform', title: 'Platforms', type: 'row', split: WAYS },
  { path: 'by-decision', title: 'Delivery', type: 'row', label: (key) => words.decision(key)[1] },
  { path: 'top-titles', title: 'Most played', type: 'row' },
];

let library = null;

/** Load the chart library once, when the first chart is wanted. */
function chartLibrary() {
  library ??= new Promise((resolve, reject) => {
    const script = h('script', { src: 'static/chart.js', onload: () => resolve(window.Chart), onerror: () => reject(new Error('The charts could not be loaded.')) });
    document.head.append(script);
  });
  return library;
}

export class Charts {
  #drawn = [];
  #asked = 0;

  constructor(app) {
    this.app = app;
  }

  show(place, query) {
    this.query = query;
    this.place = place;
    const days = query.has('days') ? query.get('days') : '30';
    const range = h('select', { name: 'days' }, RANGES.map(([value, text]) => h('option', { value, selected: value === days }, text)));
    const measure = h('select', { name: 'measure' }, [['plays', 'Plays'], ['watched', 'Hours watched']].map(([value, text]) =>
      h('option', { value, selected: query.get('measure') === value }, text)));
    const form = h('form', { class: 'filters', 'aria-label': 'What the charts show' }, h('label', {}, 'Range', range), h('label', {}, 'Measure', measure));
    form.addEventListener('change', () => {
      const chosen = new URLSearchParams({ days: range.value, measure: measure.value });
      window.history.replaceState(null, '', `#/charts?${chosen}`);
      this.#load(range.value, measure.value);
    });
    this.grid = h('div', { class: 'charts', id: 'charts' });
    place.replaceChildren(h('div', { class: 'head' }, h('h1', {}, 'Charts')), form, this.grid);
    this.#load(days, query.get('measure') ?? 'plays');
  }

  hide() {
    this.#asked += 1;
    this.#clear();
  }

  update() {}

  recolour() {
    if (this.grid?.isConnected) this.show(this.place, new URLSearchParams(location.hash.split('?')[1] ?? ''));
  }

  #clear() {
    this.#drawn.forEach((chart) => chart.destroy());
    this.#drawn = [];
  }

  async #load(days, measure) {
    const asked = (this.#asked += 1);
    this.#clear();
    const cards = CHARTS.map((chart) => h('section', { class: `card${chart.wide ? ' wide' : ''}`, 'data-chart': chart.path }, h('h2', {}, chart.title), h('p', { class: 'hint' }, 'Loading…')));
    this.grid.replaceChildren(...cards);
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    await Promise.all(CHARTS.map(async (chart, at) => {
      let content;
      try {
        const [data, Chart] = await Promise.all([get(`stats/${chart.path}`, { days, timezone: zone, limit: 15 }), chartLibrary()]);
        if (asked !== this.#asked) return;
        content = this.#drawing(chart, data.rows, measure, Chart);
      } catch (error) {
        if (asked !== this.#asked) return;
        content = [h('p', { class: 'hint' }, error.message)];
      }
      cards[at].replaceChildren(h('h2', {}, chart.title), ...content);
    }));
  }

  #drawing(chart, rows, measure, Chart) {
    if (!rows.length) return [h('p', { class: 'hint' }, 'Nothing was played in this time.')];
    const peaks = chart.path === 'concurrent';
    const value = (part) => (peaks ? part.streams : measure === 'plays' ? part.plays : Math.round(part.played_ms / 36000) / 100);
    const name = (row) => (chart.label ? chart.label(row.key) : row.label || row.key || 'Unknown');
    const series = this.#series(chart, rows, value);
    const canvas = h('canvas', { role: 'img', 'aria-label': `${chart.title}; the numbers are in the table below` });
    const height = chart.type === 'row' ? Math.max(8, 2.2 + rows.length * 1.7) : 16;
    const plot = h('div', { class: 'plot' }, canvas);
    plot.style.height = `${height}rem`;
    this.#drawn.push(new Chart(canvas, options(chart, rows.map(name), series)));
    return [plot, table(chart, rows.map(name), series)];
  }

  #series(chart, rows, value) {
    if (!chart.split) return [{ label: 'All', data: rows.map(value) }];
    const parts = chart.split.map(([key, label]) => ({
      key, label, data: rows.map((row) => (row.parts?.[key] ? value(row.parts[key]) : 0)),
    }));
    const used = parts.filter((part) => part.data.some(Boolean));
    return used.length ? used : [{ label: 'All', data: rows.map(value) }];
  }
}

function colours() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read('--soft'), line: read('--line'),
    series: { 'direct play': read('--direct'), copy: read('--copy'), transcode: read('--transcode'), unknown: read('--soft') },
    others: [read('--accent-fill'), read('--copy'), read('--good-fill'), read('--transcode'), '#9a7bd0', '#4fb3bf', '#c76b98'],
  };
}

function options(chart, labels, series) {
  const paint = colours();
  const flat = chart.type === 'row';
  const line = chart.type === 'line';
  const axis = { stacked: !line, ticks: { color: paint.text, autoSkip: !flat }, grid: { color: paint.line } };
  const amount = { ...axis, beginAtZero: true, ticks: { color: paint.text, precision: 0 } };
  return {
    type: line ? 'line' : 'bar',
    data: {
      labels,
      datasets: series.map((part, at) => {
        const colour = paint.series[part.key] ?? paint.others[at % paint.others.length];
        return { label: part.label, data: part.data, backgroundColor: line ? `${colour}44` : colour, borderColor: colour, borderWidth: line ? 2 : 0, pointRadius: 0, pointHitRadius: 12, fill: line, stepped: line };
      }),
    },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      indexAxis: flat ? 'y' : 'x',
      scales: flat ? { x: amount, y: axis } : { x: axis, y: amount },
      plugins: { legend: { display: series.length > 1, labels: { color: paint.text, boxWidth: 14 } } },
    },
  };
}

function table(chart, names, series) {
  return h('details', {}, h('summary', {}, `Table: ${chart.title}`), h('div', { class: 'scroll', tabIndex: 0, role: 'region', 'aria-label': `Table: ${chart.title}` }, h(
    'table',
    {},
    h('thead', {}, h('tr', {}, h('td'), series.map((part) => h('th', { scope: 'col', class: 'number' }, part.label)))),
    h('tbody', {}, names.map((name, at) => h('tr', {}, h('th', { scope: 'row' }, name), series.map((part) => h('td', { class: 'number' }, words.count(part.data[at])))))),
  )));
}
