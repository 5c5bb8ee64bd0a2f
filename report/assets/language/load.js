// The files that analysis/run/web_language.py writes, and the test that this browser computes with them what PyTorch computed.
// Whatever is wrong is an Error whose message is a sentence for the reader; nothing is computed then.
import { AGAIN, altered, fetched, manifestOf, tensorsOf } from "../tensors.js";
import { Tokeniser } from "./bpe.js";
import { Model, Reading } from "./model.js";
import { noise } from "./sample.js";

export async function load(base) {
  const manifest = await manifestOf(base, "union.json", "strata web language model", 1, "language model");
  const [buffer, tokens, latents] = await Promise.all([
    fetched(new URL(manifest.file, base), "arrayBuffer"), fetched(new URL("tokens.json", base), "json"), fetched(new URL("latents.json", base), "json"),
  ]);
  return { ...await read(manifest, buffer, tokens), ...checked(latents, manifest) };
}

export async function read(manifest, buffer, tokens) {
  const at = await tensorsOf(manifest, buffer);
  let model, tokeniser;
  try { model = new Model(manifest, at); } catch (error) { throw altered(manifest); }
  try { tokeniser = new Tokeniser(tokens); } catch (error) { throw new Error(`The file tokens.json is not what it should be. ${AGAIN}`); }
  return { model, tokeniser, error: await selfTest(model, tokeniser) };
}

function checked(latents, manifest) {
  if (!latents || !Array.isArray(latents.latents) || latents.latents.length !== manifest.sae.latents) throw new Error(`The file latents.json does not tell of the ${manifest.sae.latents} latents that the model has. ${AGAIN}`);
  return latents;
}

// The largest difference from what PyTorch gave; tokens have to be the same. Between prompts the page may do other things.
async function selfTest(model, tokeniser) {
  const { prompts, codes, clamp, noise: drawn, tolerance } = model.manifest.test, { at, vocabulary } = model, begin = model.manifest.start.length;
  const failed = (how) => new Error(`The self-test failed: this browser ${how}, so nothing is shown.`);
  let error = 0;
  // NaN is no larger than anything: what is not within bounds has failed
  const differ = (a, b) => { const d = Math.abs(a - b); error = d <= error ? error : d; };
  drawn.values.forEach((value, token) => differ(value, noise(drawn.seed, drawn.place, token)));
  for (const [n, { text, ids }] of prompts.entries()) {
    const own = tokeniser.encode(text).slice(0, model.places - begin);
    if (own.join() !== ids.slice(begin).join()) throw failed("cuts text into other tokens than the model was trained on");
    for (const [name, steer] of [["test.logits", null], ["test.steered", clamp]]) {
      const reading = new Reading(model, steer);
      const end = ids.map((id, i) => reading.read(id, i + 1 === ids.length)).pop();
      end.logits.forEach((value, token) => differ(value, at[name].values[n * vocabulary + token]));
      if (!steer) sameCodes(end, new Map(codes[n]), tolerance, differ);
    }
    await new Promise((done) => setTimeout(done));
  }
  if (!(error <= tolerance)) throw failed(`computes the model differently from PyTorch (by ${error.toPrecision(2)})`);
  return error;
}

// Of two latents that are as strong as each other, either may be the last that is kept.
function sameCodes({ codes, top }, wanted, tolerance, differ) {
  const least = top.length ? codes[top[top.length - 1]] : 0;
  for (const latent of new Set([...top, ...wanted.keys()])) {
    const own = codes ? codes[latent] : 0, other = wanted.get(latent) || 0;
    if (own && other || Math.max(own, other) > least + tolerance) differ(own, other);
  }
}
