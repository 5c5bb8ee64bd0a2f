// What the modules of the page of language give for what a test asks: node language_node.mjs FOLDER < questions, as JSON.
import { readFileSync } from "node:fs";

const [assets, folder] = process.argv.slice(2), asked = JSON.parse(readFileSync(0, "utf-8"));
const { Tokeniser } = await import(assets + "/language/bpe.js");
const { Reading } = await import(assets + "/language/model.js");
const { direction, next, noise } = await import(assets + "/language/sample.js");
const { read } = await import(assets + "/language/load.js");
const json = (name) => JSON.parse(readFileSync(`${folder}/${name}`, "utf-8")), found = {};

if (asked.texts) {
  const tokeniser = new Tokeniser(json("tokens.json"));
  found.ids = asked.texts.map((text) => tokeniser.encode(text));
  found.texts = found.ids.map((ids) => tokeniser.decode(ids));
  found.parts = found.ids.map((ids) => tokeniser.texts(ids));
}
if (asked.contexts) {
  const bytes = readFileSync(`${folder}/union.bin`);
  const { model, error } = await read(json("union.json"), bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length), json("tokens.json"));
  found.error = error;
  found.read = asked.steers.map((steer) => asked.contexts.map((ids) => {
    const reading = new Reading(model, steer);
    return ids.map((id) => { const { codes, logits } = reading.read(id); return { codes: codes && Array.from(codes), logits: Array.from(logits) }; });
  }));
  found.written = asked.steers.map((steer) => {
    const reading = new Reading(model, steer), ids = [...asked.contexts[0]];
    let logits = ids.map((id) => reading.read(id).logits).pop();
    for (let n = 0; n < asked.count; n++) {
      ids.push(next(logits, asked.temperature, asked.seed, reading.length));
      logits = reading.read(ids[ids.length - 1]).logits;
    }
    return ids;
  });
  found.length = Math.hypot(...direction(4, model.width, model.length(2)));
  found.expected = model.length(2);
}
if (asked.noise) found.noise = asked.noise.map(([seed, place, tokens]) => Array.from({ length: tokens }, (_, token) => noise(seed, place, token)));
process.stdout.write(JSON.stringify(found));
