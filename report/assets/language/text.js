// The text token by token, coloured by the chosen latent, and what fires on the token that is pointed at.
import { esc, nameOf, percent, wordOf } from "./words.js";

const FEW = 8;
const RARE = .02; // the token held at first is one on which a latent fires that does not fire everywhere
const SEEN = (text) => text.replace(/\n/g, "↵\n") || "·"; // a token that holds a part of a sign shows a dot

export class TextView {
  constructor(page) {
    this.page = page;
    this.box = page.one(".lm-text");
    this.panel = page.one(".lm-fires");
    this.held = -1; // the token that was pressed
    const at = (event) => { const token = event.target.closest(".lm-token"); return token ? +token.dataset.n : -1; };
    this.box.addEventListener("pointerover", (event) => { if (at(event) >= 0 && event.pointerType === "mouse") this.show(at(event)); });
    this.box.addEventListener("pointerleave", () => this.show(this.held));
    this.box.addEventListener("click", (event) => { if (at(event) >= 0) this.hold(at(event)); });
    this.box.addEventListener("focusin", (event) => { if (at(event) >= 0) this.show(at(event)); });
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  // `before`: how many tokens stand in front of the text that is shown.
  begin(writing, before) {
    Object.assign(this, { writing, before, held: -1 });
    this.box.textContent = "";
    this.panel.textContent = "";
    this.draw();
  }

  get tokens() { return Array.from(this.box.children); }

  draw() {
    const { ids, fired } = this.writing, read = fired.length, shown = ids.slice(0, read), texts = this.page.tokeniser.texts(shown.slice(this.before));
    this.texts = texts;
    texts.forEach((text, i) => {
      const n = i + this.before, token = this.box.children[i] || this.box.appendChild(this.token(n)), seen = SEEN(text);
      if (token.textContent !== seen) {
        token.textContent = seen;
        if (!text.trim()) token.setAttribute("aria-label", wordOf(text));
        else token.removeAttribute("aria-label");
      }
    });
    this.colour();
  }

  token(n) {
    const token = document.createElement("span");
    token.className = "lm-token" + (n < this.writing.begun ? " lm-given" : "");
    token.dataset.n = n;
    token.setAttribute("role", "button");
    token.setAttribute("aria-pressed", "false");
    token.tabIndex = this.box.childElementCount ? -1 : 0;
    return token;
  }

  // Once the text is there: a token is held, so that there is something to see.
  end() {
    if (this.held < 0 && this.writing.fired.length > this.before) {
      const first = Math.min(this.writing.begun, this.writing.fired.length - 1);
      let best = first, most = -1;
      for (let n = Math.max(first, 1); n < this.writing.fired.length; n++) {
        const special = this.writing.fired[n].filter(([latent]) => this.page.latents[latent].density < RARE);
        const top = special.reduce((max, [latent, value]) => Math.max(max, this.share(latent, value)), 0);
        if (top > most && this.whole(n - this.before)) { most = top; best = n; }
      }
      this.hold(best, false);
    }
    this.colour();
  }

  // Whether a token is a word, and not a piece of one.
  whole(i) { return /^\s\p{L}{3,}$/u.test(this.texts[i]) && !/^\p{L}/u.test(this.texts[i + 1] || ""); }

  share(latent, value) { return Math.min(1, value / (this.page.latents[latent].largest || value)); }

  hold(n, keep = true) {
    this.held = n;
    this.tokens.forEach((token) => {
      const own = +token.dataset.n === n;
      token.setAttribute("aria-pressed", own);
      token.tabIndex = own ? 0 : -1;
    });
    this.show(n);
    if (keep) this.page.keep();
  }

  key(event) {
    const tokens = this.tokens, now = tokens.indexOf(document.activeElement);
    const to = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: tokens.length - 1 }[event.key];
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); if (now >= 0) this.hold(+tokens[now].dataset.n); }
    if (to === undefined || now < 0) return;
    event.preventDefault();
    const token = tokens[Math.min(tokens.length - 1, Math.max(0, to))];
    this.hold(+token.dataset.n);
    token.focus();
  }

  // The strongest latents of a token, beside their own largest activation.
  show(n) {
    const { page, panel } = this, fired = this.writing && this.writing.fired[n];
    if (!fired || this.shown === n && panel.childElementCount) return;
    this.shown = n;
    const word = wordOf(this.texts[n - this.before]), ordered = fired.map(([latent, value]) => [latent, this.share(latent, value)]).sort((a, b) => b[1] - a[1]);
    const why = n === 0 ? "This token starts every text and is left out: no latents were trained on it." : "Nothing is read here: this row is far longer than those that latents were trained on.";
    panel.innerHTML = `<p class="lm-note">${fired.length ? `On <b>“${esc(word)}”</b> ${fired.length} latents fire, these most, as a share of the most that each ever does. They are called by the words they fire on.` : why}</p>` +
      `<ul>${ordered.slice(0, FEW).map(([latent, share]) => `<li>${this.chip(latent, share)}</li>`).join("")}</ul>`;
  }

  chip(latent, share) {
    const told = this.page.latents[latent], pressed = this.page.turning.latent === latent;
    return `<button type="button" class="lm-chip" data-latent="${latent}" aria-pressed="${pressed}" title="Latent ${latent}: press to colour the text by it and turn it up"><span>${esc(nameOf(told))}</span><span class="lm-bar"><i style="width:${Math.round(100 * share)}%"></i></span><small>${percent(share)}</small></button>`;
  }

  // Tokens are as dark as the chosen latent fires on them.
  colour() {
    const { latent } = this.page.turning, legends = this.page.all(".lm-legend");
    let count = 0;
    this.tokens.forEach((token) => {
      const found = latent === null ? null : (this.writing.fired[+token.dataset.n] || []).find(([own]) => own === latent);
      const share = found ? this.share(...found) : 0;
      if (share) count++;
      token.classList.toggle("lm-on", share > 0);
      token.style.setProperty("--share", Math.round(15 + 60 * share) + "%");
      if (share) token.title = `${percent(share)} of the most it ever fires`;
      else token.removeAttribute("title");
    });
    this.page.all(".lm-chip").forEach((b) => b.setAttribute("aria-pressed", +b.dataset.latent === latent));
    const told = latent === null ? "" : `Coloured by latent ${latent} (${nameOf(this.page.latents[latent])}): it fires on ${count || "none"} of these ${this.tokens.length} tokens.`;
    legends.forEach((legend) => { legend.textContent = told; });
  }

  address(made) { if (this.held >= 0) made.set("at", this.held); }

  open(number) {
    const at = number("at", 0, this.page.model.places);
    if (at !== null && this.writing.fired[at] && at >= this.before) this.hold(at);
  }
}
