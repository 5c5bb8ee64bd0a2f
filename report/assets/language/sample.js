// Chance that is the same everywhere: a text depends on its beginning, its seed and its temperature alone.

// The last step of MurmurHash3, on whole numbers of 32 bits.
function mixed(h) {
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return (h ^ h >>> 16) >>> 0;
}

const start = (seed, place) => mixed(mixed(seed + 0x9e3779b9 | 0) + place | 0);
const uniform = (from, n) => (mixed(from + n | 0) + .5) / 2 ** 32;

// Gumbel noise of a token at a place: the token whose logit / temperature + noise is largest is a draw from the model.
export const noise = (seed, place, token) => -Math.log(-Math.log(uniform(start(seed, place), token)));

// The next token. Two texts of one seed meet the same noise, so that they differ where the model does. A temperature of 0
// takes the likeliest.
export function next(logits, temperature, seed, place) {
  const from = start(seed, place);
  let best = 0, most = -Infinity;
  for (let token = 0; token < logits.length; token++) {
    const value = temperature > 0 ? logits[token] / temperature - Math.log(-Math.log(uniform(from, token))) : logits[token];
    if (value > most) { most = value; best = token; }
  }
  return best;
}

// A direction drawn by chance, of that length.
export function direction(seed, width, length) {
  const from = start(seed, 0), found = new Float64Array(width);
  for (let i = 0; i < width; i++) found[i] = Math.sqrt(-2 * Math.log(uniform(from, 2 * i))) * Math.cos(2 * Math.PI * uniform(from, 2 * i + 1));
  const by = length / Math.hypot(...found);
  return Float32Array.from(found, (v) => by * v);
}
