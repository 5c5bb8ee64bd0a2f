// Texts that are written, token by token, in slices of time that leave the page to its reader.
import { Reading } from "./model.js";
import { next } from "./sample.js";

const SLICE = 10; // milliseconds of one text in a frame

// A frame, or a tenth of a second where nothing is painted.
const frame = () => new Promise((done) => { requestAnimationFrame(() => done()); setTimeout(done, 100); });

export class Writing {
  // `ids`: the beginning; `steer` as a Reading has it.
  constructor(model, ids, { count, temperature, seed, steer = null }) {
    Object.assign(this, { model, count, temperature, seed, steer, begun: ids.length, ended: false, spent: 0 });
    this.ids = [...ids];
    this.fired = []; // by token, the latents that fire with their values, strongest first
    this.reading = new Reading(model, steer);
  }

  get written() { return this.ids.length - this.begun; }

  get done() { return this.ended || this.fired.length === this.ids.length && this.written >= Math.min(this.count, this.model.places - this.begun); }

  // Reads what is left of the beginning, as far as a slice of time goes, or writes one token.
  advance() {
    const from = performance.now();
    do {
      this.step();
    } while (!this.done && this.fired.length < this.begun && performance.now() - from < SLICE);
    this.spent += performance.now() - from;
  }

  step() {
    const place = this.fired.length, { codes, top, logits } = this.reading.read(this.ids[place], place >= this.begun - 1);
    this.fired.push(top.map((latent) => [latent, codes[latent]]));
    if (this.fired.length < this.ids.length || this.written >= this.count || this.ids.length >= this.model.places) return;
    const id = next(logits, this.temperature, this.seed, this.reading.length);
    if (this.model.manifest.start.includes(id)) this.ended = true; // it is another text that begins here
    else this.ids.push(id);
  }
}

// Runs writings side by side until all are done, or `stopped` says so; `shown` is called for each frame.
export async function run(writings, shown, stopped) {
  while (!stopped() && writings.some((one) => !one.done)) {
    for (const one of writings) if (!one.done) one.advance();
    shown();
    await frame();
  }
}
