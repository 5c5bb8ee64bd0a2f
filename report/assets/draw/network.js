// A host and its tower, from the file that analysis/run/web_network.py writes. Whatever is wrong with it is an Error whose
// message is a sentence for the reader; nothing is computed with such a file.
import { altered, fetched, keepTop, manifestOf, tensorsOf } from "../tensors.js";

export async function load(base, name) {
  const manifest = await manifestOf(base, name + ".json", "strata web network", 1, "network");
  return read(manifest, await fetched(new URL(manifest.file, base), "arrayBuffer"));
}

export async function read(manifest, buffer) {
  const at = await tensorsOf(manifest, buffer);
  let network;
  try { network = new Network(manifest, at); } catch (error) { throw altered(manifest); }
  network.error = selfTest(network);
  return network;
}

// rows @ matrix + bias for one row; what is zero costs nothing.
function times(row, matrix, bias) {
  const columns = matrix.shape[1], w = matrix.values, out = bias ? Float32Array.from(bias.values) : new Float32Array(columns);
  for (let i = 0; i < row.length; i++) {
    const x = row[i];
    if (x !== 0) for (let c = 0, at = i * columns; c < columns; c++, at++) out[c] += x * w[at];
  }
  return out;
}

export function softmax(logits) {
  const most = Math.max(...logits), raised = Array.from(logits, (v) => Math.exp(v - most)), sum = raised.reduce((a, b) => a + b, 0);
  return raised.map((v) => v / sum);
}

export const best = (values) => values.reduce((at, v, i) => v > values[at] ? i : at, 0);

export class Network {
  constructor(manifest, at) {
    this.manifest = manifest;
    this.at = at;
    this.classes = manifest.classes;
    this.depths = manifest.depths;
    this.numbers = this.depths.map((d) => new Map(d.latents.map((latent, place) => [latent, place])));
  }

  // Pixels 0..255 in rows, to what the host has at the hook.
  state(pixels) { return this.run(Float32Array.from(pixels, (v) => v / this.manifest.preprocessing.divisor), 0, this.manifest.host.hook_after); }

  logits(state) { return this.run(state, this.manifest.host.hook_after, this.manifest.host.layers); }

  answer(state) { return softmax(this.logits(state)); }

  run(row, first, last) {
    for (let layer = first; layer < last; layer++) {
      row = times(row, this.at[`host.${layer}.weights`], this.at[`host.${layer}.bias`]);
      if (layer < this.manifest.host.layers - 1) for (let i = 0; i < row.length; i++) if (row[i] < 0) row[i] = 0;
    }
    return row;
  }

  // By depth: activations of the kept latents, and which of them fire, strongest first.
  codes(state) {
    let row = state;
    return this.depths.map(({ depth, k }) => {
      row = times(row, this.at[`depth.${depth}.encoder`], this.at[`depth.${depth}.bias`]);
      return { values: row, top: keepTop(row, k) };
    });
  }

  // What a depth gives back, in the host's layer.
  decoded(values, depth) { return times(values, this.at[`depth.${depth}.directions`], this.at[`depth.${depth}.offset`]); }

  // The state pushed along a direction; a push of 1 is as long as a state usually is.
  pushed(state, { values, shape }, row, push) {
    const width = shape[1], from = row * width;
    let square = 0;
    for (let i = 0; i < width; i++) square += values[from + i] ** 2;
    const by = square > 0 ? push * this.manifest.state_length / Math.sqrt(square) : 0;
    return Float32Array.from(state, (v, i) => v + by * values[from + i]);
  }

  steered(state, depth, place, push) { return this.pushed(state, this.at[`depth.${depth}.directions`], place, push); }

  random(state, row, push) { return this.pushed(state, this.at.random_directions, row, push); }

  get randoms() { return this.at.random_directions.shape[0]; }

  // The push of a latent that is on by `value`: how far it goes by itself.
  own(depth, place, value) {
    const { values, shape } = this.at[`depth.${depth}.directions`];
    return value * Math.hypot(...values.subarray(place * shape[1], (place + 1) * shape[1])) / this.manifest.state_length;
  }
}

// The largest difference from what PyTorch gave for the same images.
function selfTest(network) {
  const { logits, codes, tolerance } = network.manifest.test, pixels = network.at["test.pixels"];
  const size = pixels.shape[1] * pixels.shape[2];
  let error = 0;
  // NaN is no larger than anything: what is not within bounds has failed
  const differ = (a, b) => { const d = Math.abs(a - b); error = d <= error ? error : d; };
  logits.forEach((expected, n) => {
    const state = network.state(pixels.values.subarray(n * size, (n + 1) * size)), given = network.logits(state);
    expected.forEach((v, c) => differ(v, given[c]));
    network.codes(state).forEach(({ values }, d) => {
      const wanted = new Map(codes[d][n]);
      values.forEach((v, i) => differ(v, wanted.get(i) || 0));
    });
  });
  if (!(error <= tolerance)) throw new Error(`The self-test failed: this browser computes the ${network.manifest.network} network differently from PyTorch (by ${error.toPrecision(2)}), so nothing is shown.`);
  return error;
}
