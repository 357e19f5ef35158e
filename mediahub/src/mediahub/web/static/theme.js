// Copyright 2026 The Charmarr authors
// SPDX-License-Identifier: Apache-2.0
//
// Loaded before the page is painted, so that a chosen theme does not flash in late.
const chosen = localStorage.getItem('mediahub-theme');
if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
