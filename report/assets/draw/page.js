// The pad, and what the networks make of a drawing. Nothing is fetched before the first touch; markup: analysis/site/templates/draw.html.
import { drawn, large, parsed, toImage, written } from "./digit.js";
import { fetched } from "../tensors.js";
import { best, load } from "./network.js";
import { copyPicture } from "./picture.js";
import { Steering } from "./steering.js";
import { bars, chip, esc, percent } from "./view.js";

const BASE = new URL("../generated/draw/", import.meta.url);
const SIDE = 280, STEP = 3, FEW = 4;

class Page {
  constructor(root) {
    this.root = root;
    this.small = root.classList.contains("dr-small");
    this.one = (selector) => root.querySelector(selector);
    this.all = (selector) => Array.from(root.querySelectorAll(selector));
    this.canvas = this.one(".dr-pad canvas");
    this.ink = this.canvas.getContext("2d");
    this.strokes = [];
    this.digit = null;      // one of the twenty, by its place
    this.whole = new Set(); // depths of which every latent is shown
    this.nets = {};
    this.listen();
    this.one(".dr-worked").hidden = true;
    this.one(".dr-app").hidden = false;
    root.dataset.state = "waiting";
    this.drawAnswers({});
    if (!this.small && location.hash.length > 1) this.open();
    addEventListener("hashchange", () => { if (!this.small && location.hash !== this.address()) this.open(); });
  }

  listen() {
    const at = (event) => {
      const box = this.canvas.getBoundingClientRect(), fit = (v) => Math.min(SIDE, Math.max(0, Math.round(v)));
      return [fit((event.clientX - box.left) / box.width * SIDE), fit((event.clientY - box.top) / box.height * SIDE)];
    };
    let stroke = null;
    this.canvas.addEventListener("pointerdown", (event) => {
      if (event.button || stroke) return;
      event.preventDefault();
      this.canvas.setPointerCapture(event.pointerId);
      if (this.digit !== null) this.strokes = [];
      this.digit = null;
      this.strokes.push(stroke = [at(event)]);
      this.ready();
      this.changed();
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!stroke) return;
      for (const one of event.getCoalescedEvents && event.getCoalescedEvents().length ? event.getCoalescedEvents() : [event]) {
        const [x, y] = at(one), last = stroke[stroke.length - 1];
        if (Math.hypot(x - last[0], y - last[1]) >= STEP) stroke.push([x, y]);
      }
      this.changed();
    });
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, () => { if (stroke) { stroke = null; this.changed(); this.keep(); } });
    this.root.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const { digit, act, more, latent } = button.dataset;
      if (digit !== undefined) this.take(+digit);
      else if (button.dataset.do) this[button.dataset.do]();
      else if (more) { this.whole[this.whole.has(+more) ? "delete" : "add"](+more); this.drawTower(); }
      else if (latent) this.steering.choose(+button.dataset.depth, +latent);
      else if (act) this.steering.act(act, button);
    });
  }

  undo() { if (this.digit === null) this.strokes.pop(); this.digit = null; this.changed(); this.keep(); }
  clear() { this.strokes = []; this.digit = null; this.changed(); this.keep(); }
  again() { this.started = null; this.ready(); }

  async link() {
    this.keep();
    try { await navigator.clipboard.writeText(location.href); this.say("The link is copied: it holds your drawing and all that is chosen."); }
    catch (error) { this.say("This browser does not let the page copy; the address of the page is the link."); }
  }

  async picture() {
    if (!this.pixels) return this.say("There is nothing to copy yet: draw a digit first.");
    this.say(await copyPicture(this));
  }

  say(text) { this.one(".dr-said").textContent = text; }

  async take(place) {
    this.digit = place;
    this.strokes = [];
    this.paint();
    if (!await this.ready()) return;
    this.changed();
    this.keep();
  }

  // Fetches the networks once; whether they are there and sound.
  ready() {
    this.started = this.started || this.fetchAll().then(() => true, (error) => { this.fail(error); return false; });
    return this.started;
  }

  async fetchAll() {
    this.root.dataset.state = "loading";
    this.one(".dr-flag").hidden = true;
    this.say("Fetching the networks …");
    const wanted = this.all(".dr-net").map((e) => e.dataset.network);
    const [digits, pictures, ...nets] = await Promise.all([
      fetched(new URL("digits.json", BASE), "json"), fetched(new URL("pictures.json", BASE), "json"), ...wanted.map((name) => load(BASE, name)),
    ]);
    Object.assign(this, { digits: digits.digits, challenges: digits.challenges, pictures });
    wanted.forEach((name, i) => { this.nets[name] = nets[i]; });
    const { images, same_answer } = nets[0].manifest.rounding, error = Math.max(...nets.map((n) => n.error));
    const test = this.one(".dr-test");
    test.textContent = `Self-test passed, largest error ${error.toExponential(0)}: this browser computes what PyTorch computed. ` +
      `Rounding the weights to fit the page leaves the trained network's answer as it was on ${same_answer.toLocaleString("en")} of ${images.toLocaleString("en")} held-out digits.`;
    test.hidden = false;
    this.steering = new Steering(this);
    this.say("");
    this.root.dataset.state = "ready";
    performance.mark("draw ready");
    this.changed();
  }

  fail(error) {
    this.root.dataset.state = "failed";
    this.say("");
    const flag = this.one(".dr-flag");
    flag.innerHTML = `${esc(error.message)} <button type="button" data-do="again">Try again</button>`;
    flag.hidden = false;
    this.nets = {};
    this.pixels = null;
    this.drawAnswers({});
    this.one(".dr-tower").textContent = "";
  }

  changed() {
    this.paint();
    if (this.root.dataset.state !== "ready" || this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.update(); });
  }

  paint() {
    const { ink } = this, style = getComputedStyle(this.canvas);
    ink.fillStyle = style.backgroundColor;
    ink.fillRect(0, 0, SIDE, SIDE);
    ink.strokeStyle = style.color;
    Object.assign(ink, { lineWidth: 20, lineCap: "round", lineJoin: "round" });
    for (const stroke of this.strokes) {
      ink.beginPath();
      ink.moveTo(...stroke[0]);
      stroke.forEach((point) => ink.lineTo(...point));
      ink.stroke();
    }
    const image = this.digit === null ? null : this.all("[data-digit] img")[this.digit];
    if (image) { ink.imageSmoothingEnabled = false; ink.drawImage(image, 0, 0, SIDE, SIDE); }
    this.one(".dr-pad").classList.toggle("dr-inked", !!image || drawn(this.strokes));
    this.all("[data-digit]").forEach((b, i) => b.setAttribute("aria-pressed", i === this.digit));
  }

  // What the networks read; null where there is nothing to read.
  image() {
    if (this.digit !== null) return Uint8Array.from(atob(this.digits[this.digit].pixels), (c) => c.charCodeAt(0));
    return large(this.strokes, SIDE) ? toImage(this.strokes, this.nets.trained.manifest.preprocessing) : null;
  }

  update() {
    performance.mark("draw update begins");
    this.pixels = this.image();
    this.found = {};
    if (this.pixels) for (const [name, net] of Object.entries(this.nets)) {
      const state = net.state(this.pixels), codes = net.codes(state);
      this.found[name] = { net, state, codes, answer: net.answer(state), back: codes.map(({ values }, d) => net.answer(net.decoded(values, d + 1))) };
    }
    this.drawSeen();
    this.drawAnswers(this.found);
    this.drawTower();
    this.steering.draw();
    this.one(".dr-tries") && (this.one(".dr-tries").hidden = !this.challenges.length);
    this.one(".dr-spoken").textContent = Object.entries(this.found).map(([name, { net, answer }]) => `The ${name} network says ${net.classes[best(answer)]}, ${percent(answer[best(answer)])} sure.`).join(" ");
    this.say(this.pixels ? "" : drawn(this.strokes) ? "That is only a dot so far: draw a digit, as large as you like." : "The pad is empty: draw a digit, or take one of those below.");
    performance.measure("draw update", "draw update begins");
  }

  drawSeen() {
    const seen = this.one(".dr-seen"), canvas = seen.querySelector("canvas"), to = canvas.getContext("2d");
    seen.classList.toggle("dr-empty", !this.pixels);
    if (!this.pixels) return;
    const data = to.createImageData(canvas.width, canvas.height);
    this.pixels.forEach((v, i) => data.data.set([v, v, v, 255], 4 * i));
    to.putImageData(data, 0, 0);
  }

  drawAnswers(found) {
    for (const section of this.all(".dr-net")) {
      const one = found[section.dataset.network], at = one && best(one.answer);
      section.querySelector(".dr-answer b").textContent = one ? one.net.classes[at] : "?";
      const guess = one && one.answer[at] < 2 / one.answer.length; // hardly more than chance
      section.querySelector(".dr-answer").classList.toggle("dr-guess", !!guess);
      section.querySelector(".dr-answer span").textContent = one ? `${percent(one.answer[at])} sure${guess ? ", a guess" : ""}` : "waits for a digit";
      bars(section.querySelector(".dr-bars"), one ? one.net.classes : Array.from("0123456789"), one ? one.answer : null);
    }
  }

  // The latents that fire, the deepest first: those of the trained network with the random one's beside them.
  drawTower() {
    const box = this.one(".dr-tower"), { trained } = this.found, head = this.small ? "h3" : "h2";
    const depths = trained ? trained.net.depths.map((d) => d.depth).reverse() : [];
    const row = (depth) => `<div class="dr-depth" data-depth="${depth}"><${head} class="no-anchor">Depth ${depth}</${head}>` +
      Object.entries(this.found).map(([name, one]) => this.fired(name, one, depth)).join("") + "</div>";
    const how = depths.length && !this.small ? '<p class="dr-note">Below is what fires in each network\'s tower. Press a latent of the trained network to turn it up or down.</p>' : "";
    const made = how + depths.slice(0, this.small ? 1 : depths.length).map(row).join("");
    if (box.made === made) return;
    const held = document.activeElement, again = held && box.contains(held) && held.dataset, panel = this.one(".dr-steer");
    if (panel) panel.remove(); // it stands among the depths, and goes back there
    box.innerHTML = box.made = made;
    if (again && again.more) this.one(`[data-more="${again.more}"]`)?.focus();
    else if (again && again.latent) this.one(`.dr-tower [data-latent="${again.latent}"][data-depth="${again.depth}"]`)?.focus();
    if (this.steering) this.steering.place(panel);
  }

  fired(name, { net, codes, back }, depth) {
    const { values, top } = codes[depth - 1], level = net.depths[depth - 1], answer = back[depth - 1], most = values[top[0]];
    const shown = this.whole.has(depth) ? top : top.slice(0, FEW), rest = top.length - shown.length;
    const more = name === "trained" && (rest || this.whole.has(depth)) && !this.small
      ? `<button type="button" class="dr-more" data-more="${depth}">${rest ? `show all ${top.length}` : "show fewer"}</button>` : "";
    return `<div class="dr-fired dr-of-${name}"><p><span class="dr-which">${name === "trained" ? "Trained" : "Random"} network: </span>${top.length} of ${level.width} fire. Given back from them alone: <b>${esc(net.classes[best(answer)])}</b>, ${percent(answer[best(answer)])} sure.</p>` +
      `<ul>${shown.map((place) => `<li>${chip(this, name, depth, place, values[place] / most, name === "trained" && !this.small)}</li>`).join("")}</ul>${more}</div>`;
  }

  // The address says all that is chosen.
  address() {
    const made = new URLSearchParams();
    if (this.digit !== null) made.set("digit", this.digits ? this.digits[this.digit].example : this.digit);
    else if (drawn(this.strokes)) made.set("strokes", written(this.strokes));
    if (this.steering) this.steering.address(made);
    return "#" + made;
  }

  keep() {
    if (this.small) { // what was drawn goes along to the page
      for (const link of this.all(".dr-open")) link.hash = this.address();
      return;
    }
    clearTimeout(this.timer); // browsers refuse addresses written too often
    this.timer = setTimeout(() => history.replaceState(null, "", this.address()), 200);
  }

  async open() {
    const given = new URLSearchParams(location.hash.slice(1));
    if (!await this.ready()) return;
    const place = this.digits.findIndex((d) => String(d.example) === given.get("digit"));
    this.digit = place < 0 ? null : place;
    this.strokes = place < 0 ? parsed(given.get("strokes") || "", SIDE) : [];
    this.steering.open(given);
    this.paint();
    this.update();
  }
}

document.querySelectorAll(".dr").forEach((root) => { root.page = new Page(root); });
