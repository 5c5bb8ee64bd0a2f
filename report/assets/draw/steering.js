// One latent of the trained network, turned up and down beside a random direction; the challenges.
import { best } from "./network.js";
import { bars, chip, esc, explorer, images, nameOf, percent } from "./view.js";

const PANEL = `<div class="dr-steer" role="group" aria-label="Turn a latent up or down">
<div class="dr-shelf"></div>
<div class="dr-turn"><div class="dr-about"></div>
<label class="dr-slide"><span>down</span><input type="range" min="-100" max="100" step="1" value="0" aria-label="How far the latent is turned up or down, in percent of the usual length of a state"><span>up</span></label>
<p class="dr-push"></p>
<div class="dr-both"><div class="dr-of-trained"><p></p><div class="dr-bars"></div></div><div class="dr-of-chance"><p></p><div class="dr-bars"></div></div></div>
<p class="dr-verdict" role="status"></p>
<div class="dr-tools"><button type="button" data-act="zero">Back to zero</button><button type="button" data-act="other">Another random direction</button><button type="button" data-act="close">Close</button></div></div></div>`;

export class Steering {
  constructor(page) {
    this.page = page;
    this.net = page.nets.trained;
    Object.assign(this, { depth: 0, latent: 0, push: 0, random: 0, challenge: -1, solved: new Set() });
    const box = page.one(".dr-challenges");
    if (box) box.innerHTML = page.challenges.map((c, n) => `<button type="button" data-act="challenge" data-n="${n}" aria-pressed="false">` +
      `<img src="${page.all("[data-digit] img")[c.digit].src}" alt="" width="28" height="28"> Turn this ${esc(this.net.classes[c.from])} into a ${esc(this.net.classes[c.to])}</button>`).join("");
  }

  is(depth, place) { return this.depth === depth && this.latent === place; }

  // `place` is that among the kept latents.
  choose(depth, place) {
    const same = this.is(depth, place);
    if (same && this.challenge < 0) return this.act("close");
    Object.assign(this, { depth, latent: place, push: same ? this.push : 0 });
    const chosen = this.page.challenges[this.challenge];
    if (chosen && !(chosen.depth === depth && chosen.latents.includes(place))) this.challenge = -1;
    this.show();
    this.panel.querySelector("input").focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
  }

  act(what, button) {
    if (what === "zero") this.push = 0;
    if (what === "other") this.random = (this.random + 1) % this.net.randoms;
    if (what === "close") Object.assign(this, { depth: 0, push: 0, challenge: -1 });
    if (what === "challenge") {
      const n = +button.dataset.n, off = this.challenge === n;
      Object.assign(this, { challenge: off ? -1 : n, depth: 0, push: 0 });
      if (!off) Object.assign(this.page, { digit: this.page.challenges[n].digit, strokes: [] });
      this.page.paint();
      this.page.update();
    }
    this.show();
    if (what === "challenge" && this.panel && this.panel.isConnected) this.panel.scrollIntoView({ block: "nearest" });
  }

  show() {
    this.page.drawTower();
    this.place();
    this.draw();
    this.page.all("[data-latent]").forEach((b) => b.setAttribute("aria-pressed", this.is(+b.dataset.depth, +b.dataset.latent)));
    this.page.keep();
  }

  // The panel stands above the tower in a challenge, or below the depth whose latent is chosen.
  place(panel) {
    const open = this.depth || this.challenge >= 0;
    this.panel = this.panel || panel;
    if (!open || !this.page.pixels) return this.panel && this.panel.remove();
    if (!this.panel) {
      const made = document.createElement("div");
      made.innerHTML = PANEL;
      this.panel = made.firstChild;
      this.panel.querySelector("input").addEventListener("input", (event) => { this.push = +event.target.value; this.draw(); this.page.keep(); });
    }
    const after = this.page.one(this.challenge >= 0 ? ".dr-spoken" : `.dr-depth[data-depth="${this.depth}"]`);
    if (after && after.nextElementSibling !== this.panel) after.after(this.panel);
  }

  draw() {
    this.page.all("[data-act=challenge]").forEach((b, n) => { b.setAttribute("aria-pressed", n === this.challenge); b.classList.toggle("dr-solved", this.solved.has(n)); });
    const found = this.page.found && this.page.found.trained;
    this.place();
    if (!this.panel || !this.panel.isConnected || !found) return;
    const { net } = this, one = (selector) => this.panel.querySelector(selector), shelf = one(".dr-shelf"), chosen = this.page.challenges[this.challenge];
    const held = shelf.contains(document.activeElement) && document.activeElement.dataset.latent;
    shelf.hidden = !chosen;
    const made = !chosen ? "" : `<p><b>These latents of depth ${chosen.depth} all read ${esc(net.classes[chosen.to])}s.</b> One of them also writes one. Choose it and turn it up until the network says ${esc(net.classes[chosen.to])}.</p><ul>` +
      chosen.latents.map((place) => `<li>${chip(this.page, "trained", chosen.depth, place, 0, true)}</li>`).join("") + "</ul>";
    if (shelf.made !== made) { shelf.innerHTML = shelf.made = made; if (held) shelf.querySelector(`[data-latent="${held}"]`)?.focus(); }
    one(".dr-turn").hidden = !this.depth;
    if (!this.depth) return;
    const { depth, latent, push } = this, number = net.depths[depth - 1].latents[latent], before = found.answer, by = push / 100;
    const own = net.own(depth, latent, found.codes[depth - 1].values[latent]), address = explorer(this.page, depth, number);
    const about = `<span class="dr-images" aria-hidden="true">${images(this.page, "trained", depth, number, true)}</span><p><b>${esc(nameOf(this.page, "trained", depth, latent))}</b><br>latent ${number} of depth ${depth}` +
      `${address ? `, <a href="${esc(address)}">see it in the explorer</a>` : ""}</p>`;
    if (one(".dr-about").made !== about) one(".dr-about").innerHTML = one(".dr-about").made = about;
    one("input").value = push;
    one("input").setAttribute("aria-valuetext", `${push}%`);
    one(".dr-push").innerHTML = `Turned ${push < 0 ? "down" : "up"} by <b>${Math.abs(push)}%</b> of the length of a usual state. ` +
      (own > 0 ? `On this digit it is on by itself, by ${percent(own)}.` : "On this digit it is silent by itself.");
    const after = net.answer(net.steered(found.state, depth, latent, by)), chance = net.answer(net.random(found.state, this.random, by));
    const told = (box, words, values) => {
      box.querySelector("p").innerHTML = `${words}: <b>${esc(net.classes[best(values)])}</b>, ${percent(values[best(values)])} sure`;
      bars(box.querySelector(".dr-bars"), net.classes, values, before);
    };
    told(one(".dr-both .dr-of-trained"), "Along this latent", after);
    told(one(".dr-both .dr-of-chance"), "As far along a random direction", chance);
    let turned = 0;
    for (let row = 0; row < net.randoms; row++) if (best(net.answer(net.random(found.state, row, by))) !== best(before)) turned++;
    const right = chosen && best(after) === chosen.to && this.page.digit === chosen.digit;
    // one that solves it somewhere may overshoot: only of one that does nowhere it is said
    const wrong = chosen && !right && this.page.digit === chosen.digit && push >= +one("input").max && !chosen.solutions[chosen.latents.indexOf(latent)].length;
    if (right) this.solved.add(this.challenge);
    this.page.all("[data-act=challenge]").forEach((b, n) => b.classList.toggle("dr-solved", this.solved.has(n)));
    one(".dr-verdict").classList.toggle("dr-right", !!right);
    one(".dr-verdict").textContent = (right ? `Solved: it is a ${net.classes[chosen.to]} now. ` : wrong ? "Not this one: turned all the way up it does not do it. " : "") +
      `Of ${net.randoms} random directions, pushed as far, ${turned || "none"} ${turned > 1 ? "change" : "changes"} the answer.`;
  }

  address(made) {
    if (this.challenge >= 0) made.set("challenge", this.challenge + 1);
    if (!this.depth) return;
    made.set("depth", this.depth);
    made.set("latent", this.net.depths[this.depth - 1].latents[this.latent]);
    if (this.push) made.set("push", this.push);
    if (this.random) made.set("random", this.random + 1);
  }

  // What no address can mean is left out.
  open(given) {
    const whole = (name, least, most, otherwise) => {
      const text = given.get(name), n = Number(text);
      return text && Number.isInteger(n) && n >= least && n <= most ? n : otherwise;
    };
    this.challenge = whole("challenge", 1, this.page.challenges.length, 0) - 1;
    if (this.challenge >= 0) Object.assign(this.page, { digit: this.page.challenges[this.challenge].digit, strokes: [] });
    this.depth = whole("depth", 1, this.net.depths.length, 0);
    const place = this.depth ? this.net.numbers[this.depth - 1].get(whole("latent", 0, 1e6, -1)) : undefined;
    if (place === undefined) this.depth = 0;
    this.latent = place || 0;
    this.push = whole("push", -100, 100, 0);
    this.random = whole("random", 1, this.net.randoms, 1) - 1;
  }
}
