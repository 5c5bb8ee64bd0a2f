// A host and its tower, from the file that analysis/run/web_network.py writes. Whatever is wrong with it is an Error whose
// message is a sentence for the reader; nothing is computed with such a file.
const FORMAT = "strata web network", VERSION = 1;
const LARGEST = { i8: 127, i12: 2047 };
const BYTES = { f32: (n) => 4 * n, u8: (n) => n, i8: (n) => n, i12: (n) => 3 * Math.ceil(n / 2) };
const AGAIN = "Reload the page; if that does not help, this site has to be built again.";

export async function fetched(url, as) {
  let answer;
  try { answer = await fetch(url, { cache: "no-cache" }); } catch (error) { answer = null; }
  const name = new URL(url).pathname.split("/").pop();
  if (!answer || !answer.ok) throw new Error(`The file ${name} could not be loaded: either the connection failed, or the page was opened from a disk and not from a server.`);
  try { return await answer[as](); } catch (error) { throw new Error(`The file ${name} is not what it should be. ${AGAIN}`); }
}

export async function load(base, name) {
  const manifest = await fetched(new URL(name + ".json", base), "json");
  if (!manifest || manifest.format !== FORMAT) throw new Error(`The file ${name}.json describes no network. ${AGAIN}`);
  if (manifest.version !== VERSION) throw new Error(`The network is kept in version ${manifest.version} of its format, and this page reads version ${VERSION}. ${AGAIN}`);
  return read(manifest, await fetched(new URL(manifest.file, base), "arrayBuffer"));
}

export async function read(manifest, buffer) {
  const whole = (n) => n.toLocaleString("en");
  if (buffer.byteLength !== manifest.bytes) throw new Error(`The file ${manifest.file} holds ${whole(buffer.byteLength)} bytes where ${whole(manifest.bytes)} are expected, so nothing is computed with it. ${AGAIN}`);
  // browsers offer digests on secure pages only; the test below is made on all
  if (globalThis.crypto && crypto.subtle) {
    const digest = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", buffer)), (b) => b.toString(16).padStart(2, "0")).join("");
    if (digest !== manifest.sha256) throw new Error(`The file ${manifest.file} was altered after it was written, so nothing is computed with it. ${AGAIN}`);
  }
  let network;
  try { network = new Network(manifest, tensors(manifest, buffer)); } catch (error) { throw new Error(`The file ${manifest.file} does not hold what its description says. ${AGAIN}`); }
  network.error = selfTest(network);
  return network;
}

// Every tensor by its name, as floats: {shape, values}.
function tensors(manifest, buffer) {
  const found = {};
  for (const { name, dtype, shape, offset, bytes, axis } of manifest.tensors) {
    const count = shape.reduce((a, b) => a * b, 1), values = new Float32Array(count);
    if (bytes !== BYTES[dtype](count) || offset + bytes > buffer.byteLength) throw new Error(name);
    const view = new DataView(buffer, offset, bytes), raw = new Uint8Array(buffer, offset, bytes);
    if (dtype === "f32") for (let i = 0; i < count; i++) values[i] = view.getFloat32(4 * i, true);
    else if (dtype === "u8") values.set(raw);
    else if (dtype === "i8") values.set(new Int8Array(buffer, offset, bytes));
    else for (let i = 0, at = 0; i < count; i += 2, at += 3) {
      // two numbers of twelve bits in three bytes; shifted up and down again, the highest bit is the sign
      values[i] = (raw[at] | raw[at + 1] << 8) << 20 >> 20;
      if (i + 1 < count) values[i + 1] = (raw[at + 1] >> 4 | raw[at + 2] << 4) << 20 >> 20;
    }
    if (LARGEST[dtype]) {
      const scale = found[name + ".scale"].values, columns = shape[1];
      for (let i = 0, row = 0; row < shape[0]; row++) for (let c = 0; c < columns; c++, i++) values[i] *= scale[axis ? c : row];
    }
    found[name] = { shape, values };
  }
  return found;
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

// The k largest that are above zero, by a list that stays sorted; all else becomes zero. In place.
export function keepTop(values, k) {
  const top = [];
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > 0) || (top.length === k && values[i] <= values[top[k - 1]])) continue;
    let at = top.length === k ? k - 1 : top.length;
    for (; at > 0 && values[top[at - 1]] < values[i]; at--) top[at] = top[at - 1];
    top[at] = i;
  }
  const kept = top.map((i) => values[i]);
  values.fill(0);
  top.forEach((i, n) => { values[i] = kept[n]; });
  return top;
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
