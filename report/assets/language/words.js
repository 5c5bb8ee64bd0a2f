// How tokens and latents are called on the page.
export const esc = (s) => String(s).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

export const percent = (v) => v > 0 && v < .001 ? "below 0.1%" : v < .0995 ? (100 * v).toFixed(1) + "%" : Math.round(100 * v) + "%";

// A token as a word: pieces that begin no word have a hyphen before them.
export function wordOf(text) {
  if (/^\s*$/.test(text)) return /\n/.test(text) ? "line break" : "space";
  const trimmed = text.trim();
  return /^\p{L}/u.test(text) && !/^\p{Lu}/u.test(text) ? "-" + trimmed : trimmed;
}

const few = (words, n) => [...new Set(words.map(([word]) => wordOf(word)))].slice(0, n);

// What a latent is called: its name, or the words that it fires on most.
export function nameOf(latent, n = 3) {
  if (latent.name) return latent.name;
  return latent.words.length ? few(latent.words, n).map((word) => /^(line break|space)$/.test(word) ? word : `“${word}”`).join(", ") : "fired on nothing in the texts that were looked at";
}

// A token between quotation marks, unless it is described.
export const quoted = (text) => { const word = wordOf(text); return /^(line break|space)$/.test(word) ? word : `“${word}”`; };

export const likelier = (latent) => [...new Set(latent.raises.map(([, word]) => quoted(word)))];

export const times = (value) => `${value}×`;
