// A text is begun, written on, read and steered. Nothing is fetched before the first touch; markup: analysis/site/templates/language.html.
import { load } from "./load.js";
import { TextView } from "./text.js";
import { Turning } from "./turn.js";
import { esc } from "./words.js";
import { run, Writing } from "./writing.js";

const BASE = new URL("../generated/language/", import.meta.url);
const ROOM = 8; // a text that begins so long that fewer tokens could be written loses its front
const MOST_SEED = 999999;

class Page {
  constructor(root) {
    this.root = root;
    this.one = (selector) => root.querySelector(selector);
    this.all = (selector) => Array.from(root.querySelectorAll(selector));
    this.box = this.one("textarea");
    this.task = 0; // of what is being written; any other is over
    this.text = new TextView(this);
    this.turning = new Turning(this);
    this.listen();
    this.one(".lm-worked").hidden = true;
    this.one(".lm-app").hidden = false;
    root.dataset.state = "waiting";
    if (location.hash.includes("=")) this.open();
    addEventListener("hashchange", () => { if (location.hash.includes("=") && location.hash !== this.address()) this.open(); });
  }

  setting(name) { return this.one(`[data-set=${name}]`); }

  get seed() { return Math.min(MOST_SEED, Math.max(0, Math.round(+this.setting("seed").value) || 0)); }

  get settings() { return { count: +this.setting("count").value, temperature: +this.setting("temperature").value, seed: this.seed }; }

  listen() {
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const { begin } = button.dataset, act = button.dataset.do;
      if (begin !== undefined) { this.box.value = begin; this.write(); } // and what is turned up, once more
      else if (act === "again") this.turning.write();
      else if (act === "other") this.turning.other();
      else if (act) this[act](button);
      else if (button.dataset.latent !== undefined) this.turning.choose(+button.dataset.latent, button);
    });
    this.box.addEventListener("focus", () => this.ready());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.write(); }
    });
    this.setting("temperature").addEventListener("input", (event) => { event.target.nextElementSibling.textContent = event.target.value; });
    for (const name of ["temperature", "count", "seed"]) this.setting(name).addEventListener("change", () => { this.keep(); if (this.writing) this.write(); });
  }

  say(text) { this.one(".lm-said").textContent = text; }

  // Fetches the model once; whether it is there and sound.
  ready() {
    this.started = this.started || this.fetchAll().then(() => true, (error) => { this.fail(error); return false; });
    return this.started;
  }

  async fetchAll() {
    this.root.dataset.state = "loading";
    this.one(".lm-flag").hidden = true;
    this.say("Fetching the model …");
    const found = await load(BASE);
    Object.assign(this, found);
    const { rounding, sae } = found.model.manifest, test = this.one(".lm-test");
    const [before, after] = [rounding.loss.toFixed(3), rounding.rounded.toFixed(3)];
    this.tested = `The largest error was ${found.error.toExponential(0)}. Rounding the weights to fit the page ${before === after ? `leaves the loss on held-out text at ${after}` : `takes the loss on held-out text from ${before} to ${after}`} nats a token. Latents are of ${sae.hook}; the token that starts every text and far longer rows are not read.`;
    test.querySelector("p").textContent = this.tested;
    test.hidden = false;
    this.say("");
    this.root.dataset.state = "ready";
    this.turning.shelf();
  }

  fail(error) {
    this.root.dataset.state = "failed";
    this.say("");
    this.model = null;
    const flag = this.one(".lm-flag");
    flag.innerHTML = `${esc(error.message)} <button type="button" data-do="retry">Try again</button>`;
    flag.hidden = false;
    for (const part of [".lm-read", ".lm-turn", ".lm-test"]) this.one(part).hidden = true;
  }

  retry() {
    this.started = null;
    if (location.hash.includes("=")) this.open();
    else this.write();
  }

  roll() { this.setting("seed").value = (this.seed + 1) % (MOST_SEED + 1); this.write(); }

  stop() { this.stopped = true; }

  async link(button) {
    this.keep(0);
    const said = button.closest(".lm-step").querySelector(".lm-copied");
    try { await navigator.clipboard.writeText(location.href); said.textContent = "Copied: it opens with these texts."; }
    catch (error) { said.textContent = "This browser does not let the page copy; the address of the page is the link."; }
  }

  // Whether something else would be written now than what stands in step 2.
  stale() {
    const { writing } = this, { count, temperature, seed } = this.settings;
    return !writing || writing.count !== count || writing.temperature !== temperature || writing.seed !== seed ||
      this.begun(count).ids.join() !== writing.ids.slice(0, writing.begun).join();
  }

  // The beginning as token ids; what does not fit before the text that is to be written is left out at its front.
  begun(count) {
    const { start } = this.model.manifest, own = this.tokeniser.encode(this.box.value), most = this.model.places - start.length - Math.max(ROOM, count);
    return { ids: [...start, ...own.slice(Math.max(0, own.length - most))], cut: own.length > most };
  }

  // Runs writings to their end, or until Stop is pressed; "replaced" where another text was begun in between.
  async together(writings, shown) {
    const task = ++this.task, stops = this.all("[data-do=stop]");
    this.stopped = false;
    delete this.root.dataset.done;
    stops.forEach((b) => { b.hidden = false; });
    await run(writings, () => { if (task === this.task) shown(); }, () => this.stopped || task !== this.task);
    if (task !== this.task) return "replaced";
    stops.forEach((b) => { b.hidden = true; });
    const tokens = writings.reduce((sum, one) => sum + one.fired.length, 0), spent = writings.reduce((sum, one) => sum + one.spent, 0);
    this.pace = spent / tokens;
    this.one(".lm-test p").textContent = `${this.tested} This browser takes ${this.pace.toFixed(1)} ms a token.`;
    return this.stopped ? "stopped" : "whole";
  }

  // What was written with a latent held follows, unless `alone`.
  async write({ alone = false } = {}) {
    if (!await this.ready()) return;
    if (!this.box.value.trim()) { this.say("Type a beginning first, or take one of those under the box."); return; }
    const again = !alone && this.turning.shown;
    const { ids, cut } = this.begun(this.settings.count), before = this.model.manifest.start.length;
    this.writing = new Writing(this.model, ids, this.settings);
    this.turning.clear();
    this.text.begin(this.writing, before);
    this.one(".lm-read").hidden = this.one(".lm-turn").hidden = false;
    this.say("Writing …");
    this.bring(".lm-read");
    this.keep();
    const how = await this.together([this.writing], () => this.text.draw());
    if (how === "replaced") return;
    this.text.end();
    const written = this.tokeniser.decode(this.writing.ids.slice(this.writing.begun));
    this.say((cut ? `The model reads ${this.model.places} tokens at most, so the front of your beginning was left out. ` : "") +
      (how === "stopped" ? "Stopped. " : "") + (this.writing.ended ? "The model ended its text here. " : ""));
    this.one(".lm-spoken").textContent = `It wrote ${this.writing.written} tokens: ${written}`;
    this.root.dataset.done = "written";
    if (again) await this.turning.write();
  }

  // What was just made is brought into sight where it began below the window, as on a phone.
  bring(selector) {
    const part = this.one(selector);
    if (part.getBoundingClientRect().top > innerHeight - 160) part.scrollIntoView({ block: "start" });
  }

  // The address says all that is chosen.
  address() {
    const made = new URLSearchParams({ begin: this.box.value, seed: this.seed, t: this.settings.temperature, n: this.settings.count });
    this.text.address(made);
    this.turning.address(made);
    return "#" + made;
  }

  keep(wait = 200) {
    clearTimeout(this.timer); // browsers refuse addresses written too often
    const now = () => history.replaceState(null, "", this.address());
    if (wait) this.timer = setTimeout(now, wait);
    else now();
  }

  // What no address can mean is left out.
  async open() {
    const given = new URLSearchParams(location.hash.slice(1)), begin = given.get("begin");
    const number = (name, least, most) => { const text = given.get(name), n = Number(text); return text && n >= least && n <= most ? n : null; };
    if (begin !== null) this.box.value = begin.slice(0, 2000);
    const seed = number("seed", 0, MOST_SEED), temperature = number("t", 0, 1.5), count = given.get("n");
    if (seed !== null) this.setting("seed").value = Math.round(seed);
    if (temperature !== null) this.setting("temperature").value = this.setting("temperature").nextElementSibling.textContent = Math.round(10 * temperature) / 10;
    if (Array.from(this.setting("count").options, (o) => o.value).includes(count)) this.setting("count").value = count;
    if (!await this.ready()) return;
    const turned = this.turning.open(number, given);
    await this.write({ alone: true });
    this.text.open(number);
    if (!turned) return;
    await this.turning.write();
    this.one(".lm-turn").scrollIntoView({ block: "start" });
  }
}

document.querySelectorAll(".lm").forEach((root) => { root.page = new Page(root); });
