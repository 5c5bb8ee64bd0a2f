// Union, read token by token with a cache of keys and values, and an SAE on it; analysis/run/web_union.py computes the same.
import { keepTop } from "../tensors.js";
import { direction } from "./sample.js";

const EPS = 1e-5, ROOT = Math.sqrt(2 / Math.PI);

// weights (rows, columns) times x, plus the bias, into `out`; columns are a multiple of four.
function times(out, weights, bias, x) {
  const w = weights.values, [rows, columns] = weights.shape, b = bias && bias.values;
  for (let r = 0, at = 0; r < rows; r++) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (let c = 0; c < columns; c += 4, at += 4) {
      s0 += w[at] * x[c];
      s1 += w[at + 1] * x[c + 1];
      s2 += w[at + 2] * x[c + 2];
      s3 += w[at + 3] * x[c + 3];
    }
    out[r] = s0 + s1 + s2 + s3 + (b ? b[r] : 0);
  }
  return out;
}

export class Model {
  constructor(manifest, at) {
    const { width, head, layers, places, vocabulary } = manifest.model, { hook_after, k, latents, far } = manifest.sae;
    Object.assign(this, { manifest, at, width, head, layers, places, vocabulary, cut: hook_after, k, latents, far });
    const name = (block, part) => ({ weight: at[`blocks.${block}.${part}.weight`], bias: at[`blocks.${block}.${part}.bias`] });
    this.blocks = Array.from({ length: layers }, (_, n) => ({ ln1: name(n, "ln1"), qkv: name(n, "attn.qkv"), out: name(n, "attn.out"), ln2: name(n, "ln2"), up: name(n, "mlp.up"), down: name(n, "mlp.down") }));
    this.last = { weight: at["ln.weight"], bias: at["ln.bias"] };
    const needed = [...this.blocks.flatMap((b) => Object.values(b)), this.last].flatMap((p) => [p.weight, p.bias]);
    if ([...needed, at.embed, at.positions, at["sae.encoder"], at["sae.bias"], at["sae.directions"]].some((t) => !t)) throw new Error("a tensor is missing");
  }

  // The length of what one unit of a latent adds.
  length(latent) { return Math.hypot(...this.at["sae.directions"].values.subarray(latent * this.width, (latent + 1) * this.width)); }
}

// One text that is being read. `steer` is {latent, value}, or with `random`, a number: as far along a direction drawn by chance.
export class Reading {
  constructor(model, steer = null) {
    const { width, places, layers, cut } = model;
    Object.assign(this, { model, steer, length: 0 });
    this.keys = Array.from({ length: layers }, () => new Float32Array(places * width));
    this.values = Array.from({ length: layers }, () => new Float32Array(places * width));
    this.row = new Float32Array(width);
    this.normed = new Float32Array(width);
    this.mixed = new Float32Array(width);
    this.added = new Float32Array(width);
    this.qkv = new Float32Array(3 * width);
    this.wide = new Float32Array(4 * width);
    this.scores = new Float64Array(places);
    if (steer) this.along = steer.random === undefined
      ? model.at["sae.directions"].values.subarray(steer.latent * width, (steer.latent + 1) * width)
      : direction(steer.random, width, model.length(steer.latent));
    if (cut < 1 || cut > layers) throw new Error("no such hook");
  }

  // Reads one token: {codes, top} of the SAE before steering (none at the first place), and logits where they are wanted.
  read(id, wanted = true) {
    const { model, row } = this, { width, places, at, cut, layers } = model, place = this.length;
    if (place >= places) throw new Error(`the model reads ${places} tokens at most`);
    for (let i = 0; i < width; i++) row[i] = at.embed.values[id * width + i] + at.positions.values[place * width + i];
    for (let block = 0; block < cut; block++) this.block(block, place);
    const seen = this.encode(place);
    if (this.steer && seen) {
      const by = this.steer.value - seen.codes[this.steer.latent];
      for (let i = 0; i < width; i++) row[i] += by * this.along[i];
    }
    for (let block = cut; block < layers; block++) this.block(block, place);
    this.length++;
    return { codes: seen && seen.codes, top: seen ? seen.top : [], logits: wanted ? this.logits() : null };
  }

  // The SAE's code of the row; null at the first place and for rows far longer than most, which it was not trained on.
  encode(place) {
    const { model, row } = this;
    let square = 0;
    for (let i = 0; i < row.length; i++) square += row[i] * row[i];
    if (!place || Math.sqrt(square) > model.far) return null;
    const codes = times(new Float32Array(model.latents), model.at["sae.encoder"], model.at["sae.bias"], row);
    return { codes, top: keepTop(codes, model.k) };
  }

  logits() {
    this.norm(this.model.last);
    return times(new Float32Array(this.model.vocabulary), this.model.at.embed, null, this.normed);
  }

  block(number, place) {
    const { ln1, qkv, out, ln2, up, down } = this.model.blocks[number], { row, added } = this;
    this.norm(ln1);
    this.attend(times(this.qkv, qkv.weight, qkv.bias, this.normed), number, place);
    times(added, out.weight, out.bias, this.mixed);
    for (let i = 0; i < row.length; i++) row[i] += added[i];
    this.norm(ln2);
    const wide = times(this.wide, up.weight, up.bias, this.normed);
    for (let i = 0; i < wide.length; i++) {
      const x = wide[i];
      wide[i] = .5 * x * (1 + Math.tanh(ROOT * (x + .044715 * x * x * x)));
    }
    times(added, down.weight, down.bias, wide);
    for (let i = 0; i < row.length; i++) row[i] += added[i];
  }

  norm({ weight, bias }) {
    const { row, normed } = this, n = row.length;
    let mean = 0, square = 0;
    for (let i = 0; i < n; i++) mean += row[i];
    mean /= n;
    for (let i = 0; i < n; i++) square += (row[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / n + EPS);
    for (let i = 0; i < n; i++) normed[i] = (row[i] - mean) * scale * weight.values[i] + bias.values[i];
  }

  attend(qkv, number, place) {
    const { model: { width, head }, mixed, scores } = this, keys = this.keys[number], values = this.values[number];
    keys.set(qkv.subarray(width, 2 * width), place * width);
    values.set(qkv.subarray(2 * width), place * width);
    mixed.fill(0);
    for (let from = 0; from < width; from += head) {
      let most = -Infinity, sum = 0;
      for (let t = 0; t <= place; t++) {
        let score = 0;
        for (let i = 0, at = t * width + from; i < head; i++) score += qkv[from + i] * keys[at + i];
        scores[t] = score / Math.sqrt(head);
        if (scores[t] > most) most = scores[t];
      }
      for (let t = 0; t <= place; t++) sum += scores[t] = Math.exp(scores[t] - most);
      for (let t = 0; t <= place; t++) {
        const share = scores[t] / sum;
        for (let i = 0, at = t * width + from; i < head; i++) mixed[from + i] += share * values[at + i];
      }
    }
  }
}
