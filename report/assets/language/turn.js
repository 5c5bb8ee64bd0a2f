// One latent held up: the text written again from the same dice, beside the text as it was and a random direction.
import { esc, likelier, nameOf, percent, quoted, times } from "./words.js";
import { Writing } from "./writing.js";

const SHELF = 6, CONTEXTS = 3;

export class Turning {
  constructor(page) {
    this.page = page;
    this.latent = null;
    this.direction = 1; // which of the random directions
    this.slider = page.one("#lm-times");
    this.slider.addEventListener("input", () => this.drawTimes());
    this.slider.addEventListener("change", () => this.write());
    page.setting("random").addEventListener("change", () => { this.drawRandom(); page.keep(); if (this.shown) this.write(); });
  }

  // Whether texts stand side by side.
  get shown() { return this.latent !== null && !this.page.one(".lm-both").hidden; }

  get times() { return +this.slider.value; }

  get random() { return this.page.setting("random").checked; }

  shelf() {
    const { page } = this, offered = page.offered.slice(0, SHELF);
    page.one(".lm-shelf").innerHTML = `<p class="lm-note">Press a latent above, or one of these, which change a text much:</p><div class="lm-tools">` +
      offered.map((latent) => `<button type="button" class="lm-chip lm-offer" data-latent="${latent}" aria-pressed="false"><span>${esc(nameOf(page.latents[latent]))}</span></button>`).join("") + "</div>";
    this.drawTimes();
  }

  choose(latent, button) {
    const again = latent === this.latent;
    this.latent = again && button ? null : latent;
    this.clear();
    this.draw();
    this.page.text.colour();
    this.page.keep();
    if (this.latent === null) return;
    if (button && button.closest(".lm-fires")) this.page.one(".lm-turn").scrollIntoView({ block: "nearest" });
    this.write();
  }

  clear() {
    this.page.one(".lm-both").hidden = true;
    this.page.one(".lm-both").textContent = "";
    this.page.one(".lm-verdict").textContent = "";
  }

  draw() {
    const { page, latent } = this;
    page.one(".lm-chosen").hidden = latent === null;
    if (latent === null) return;
    const told = page.latents[latent], rows = told.top.slice(0, CONTEXTS);
    page.one(".lm-about").innerHTML = `<h3 class="no-anchor">Latent ${latent}: ${esc(nameOf(told))}</h3>` +
      `<p>It fires on ${percent(told.density)} of all tokens${told.words.length ? `, strongly on ${told.words.slice(0, 3).map(([word, share]) => `<b>${esc(quoted(word))}</b> (${percent(share)} of its strongest firings)`).join(", ")}` : ""}.` +
      `${told.raises.length ? ` Held at ${times(page.model.manifest.sae.turned)}, it makes these likelier: <b>${esc(likelier(told).join(", "))}</b>: it fires on a token, and what it makes likelier comes <em>after</em> one, so the two need not be alike.` : ""}</p>` +
      '<p class="lm-note lm-legend"></p>' +
      (rows.length ? `<details><summary>Where it fires most</summary><ul>${rows.map(([before, token, after]) => `<li>… ${esc(before)}<mark>${esc(token)}</mark>${esc(after)} …</li>`).join("")}</ul></details>` : "");
    this.drawTimes();
    this.drawRandom();
  }

  drawTimes() {
    const { times: by, page } = this, words = by ? `${times(by)} the most it ever fires, on every token` : "0: silenced on every token";
    page.one(".lm-slide output").textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
  }

  drawRandom() { this.page.one("[data-do=other]").hidden = !this.random; }

  other() { this.direction++; this.page.keep(); this.write(); }

  async write() {
    const { page, latent } = this;
    if (latent === null || !await page.ready()) return;
    if (page.stale()) await page.write({ alone: true }); // steps 2 and 3 show one text
    if (latent !== this.latent || page.stale()) return; // another was chosen meanwhile, or there is no beginning
    const { ids } = page.begun(page.settings.count), value = this.times * page.latents[latent].largest;
    const texts = [
      ["As it was", null], [`Latent ${latent} held at ${times(this.times)}`, { latent, value }],
      ...this.random ? [["A random direction, as far", { latent, value, random: this.direction }]] : [],
    ].map(([title, steer]) => ({ title, writing: new Writing(page.model, ids, { ...page.settings, steer }) }));
    const both = page.one(".lm-both"), verdict = page.one(".lm-verdict");
    both.hidden = false;
    both.innerHTML = texts.map(({ title }) => `<div><h3 class="no-anchor">${esc(title)}</h3><p></p></div>`).join("");
    verdict.textContent = "Writing …";
    page.one(".lm-turn .lm-copied").textContent = "";
    page.keep();
    page.bring(".lm-both");
    const raised = new Set(page.latents[latent].raises.map(([id]) => id));
    const how = await page.together(texts.map(({ writing }) => writing), () => this.drawBoth(both, texts, raised));
    if (how === "replaced") return;
    this.drawBoth(both, texts, raised);
    verdict.textContent = (how === "stopped" ? "Stopped. " : "") + this.verdict(texts, raised);
    page.keep();
    page.root.dataset.done = "steered";
  }

  // Words that the latent makes likelier are marked.
  drawBoth(both, texts, raised) {
    texts.forEach(({ writing }, i) => {
      const { ids, begun } = writing, before = this.page.model.manifest.start.length, pieces = this.page.tokeniser.texts(ids.slice(before));
      both.children[i].querySelector("p").innerHTML = pieces.map((text, n) => n + before < begun ? `<span class="lm-given">${esc(text)}</span>` : raised.has(ids[n + before]) ? text.replace(/^(\s*)([^]*)$/, (_, blank, word) => `${esc(blank)}<mark>${esc(word)}</mark>`) : esc(text)).join("");
    });
  }

  verdict(texts, raised) {
    const counts = texts.map(({ writing }) => writing.ids.slice(writing.begun).filter((id) => raised.has(id)).length);
    const same = texts[0].writing.ids.join() === texts[1].writing.ids.join() ? "Not one token has changed: hold it higher. " : "";
    if (!raised.size) return same;
    return same + `Of the tokens that this latent makes likelier (marked) the text had ${counts[0]} as it was and has ${counts[1]} now` +
      (counts.length > 2 ? `; along a random direction, as far, ${counts[2]}.` : ".");
  }

  address(made) {
    if (this.latent === null) return;
    made.set("latent", this.latent);
    made.set("times", this.times);
    if (this.random) made.set("random", this.direction);
    if (!this.page.one(".lm-both").hidden) made.set("again", 1);
  }

  // Whether a text was written with it.
  open(number, given) {
    const latent = number("latent", 0, this.page.latents.length - 1), by = number("times", 0, +this.slider.max), random = number("random", 1, 1e6);
    this.latent = latent === null || !Number.isInteger(latent) ? null : latent;
    if (by !== null) this.slider.value = by;
    this.page.setting("random").checked = random !== null;
    this.direction = Math.round(random || 1);
    this.draw();
    return this.latent !== null && given.get("again") === "1";
  }
}
