// Sliders over what it costs to train SAEs, above the table of worked examples (report/figures/cost_examples.py), which is
// all there is without scripts. The address holds every value that is not that of the first example.
import { cost, parsed, said, wrong } from "./formulae.js";

const log = (least, most, whole = true) => ({
  of: (at) => { const value = least * (most / least) ** (at / 1000); return whole ? Math.max(1, Math.round(Number(value.toPrecision(2)))) : Number(value.toPrecision(2)); },
  at: (value) => 1000 * Math.log(value / least) / Math.log(most / least), most: 1000,
});
const list = (...values) => ({ of: (at) => values[Math.round(at)], at: (value) => values.findIndex((one) => one >= value), most: values.length - 1 });
const linear = (most, step) => ({ of: (at) => Number((at * step).toFixed(6)), at: (value) => value / step, most: most / step });
const count = (value) => said(value, "count"), percent = (value) => `${Number((100 * value).toPrecision(3))}%`;

const GROUPS = [
  ["The SAE", [
    ["d_model", "width of the host's state, d", log(64, 32768), count],
    ["latents", "latents, n", log(256, 1e8), count],
    ["k", "active latents, k", log(1, 1024), count],
    ["layers", "how many such SAEs", log(1, 200), count],
  ]],
  ["The text", [
    ["tokens", "tokens", log(1e3, 1e12), count],
    ["passes", "passes over them", log(1, 100), count],
    ["host", "parameters of the host, N", log(1e4, 2e12), count],
    ["stored", "bytes a number on disk", list(1, 2, 4), count],
  ]],
  ["The machine", [
    ["number", "bytes a number in training", list(2, 4, 8), count],
    ["flops", "operations a second of a device", log(1e9, 1e16, false), count],
    ["utilisation", "share of them that is reached", linear(1, .01), percent],
    ["price", "price of an hour of it", linear(20, .05), (value) => said(value, "money")],
  ]],
];
// Name, what it is, unit, how it is computed; a list of lines for each group of results.
const RESULTS = [
  ["Parameters", [
    ["matrices", "encoder and decoder", "count", "2 n d"],
    ["biases", "biases", "count", "n + d"],
  ]],
  ["Memory in training", [
    ["weights", "weights", "bytes", "parameters × bytes"],
    ["gradients", "gradients", "bytes", "the same"],
    ["moments", "Adam's two moments", "bytes", "twice that"],
    ["memory", "together", "bytes", ""],
  ]],
  ["Operations a row, one SAE", [
    ["encoder", "encoder, forward", "count", "2 n d"],
    ["decoder", "decoder, forward", "count", "2 k d|2 n d"],
    ["to_latents", "gradient of the latents", "count", "2 k d|2 n d"],
    ["to_decoder", "gradient of the decoder", "count", "2 k d|2 n d"],
    ["to_encoder", "gradient of the encoder", "count", "2 k d|2 n d"],
    ["to_bias", "gradient of the bias before it", "count", "once a batch|2 n d"],
    ["row", "together", "count", ""],
  ]],
  ["The whole", [
    ["training", "operations of training", "count", "a row × tokens × passes × SAEs"],
    ["reading", "operations of the host", "count", "2 N × tokens"],
    ["disk", "activations on disk", "bytes", "tokens × d × SAEs × bytes"],
    ["training_hours", "training, one device", "hours", ""],
    ["reading_hours", "the host, one device", "hours", ""],
    ["money", "money, both", "money", "hours × price"],
  ]],
];

function part(tag, name, parent, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  if (parent) parent.append(made);
  return made;
}

class Calculator {
  constructor(root) {
    this.cases = JSON.parse(root.querySelector(".cost-data").textContent);
    this.plan = { ...this.cases[0].plan };
    this.controls = {};
    const app = part("div", "cost-app");
    this.examples(app);
    this.sum = part("p", "cost-sum", app);
    this.sum.setAttribute("aria-live", "polite");
    const both = part("div", "cost-both", app);
    this.form(part("div", "cost-form", both));
    this.table(part("div", "cost-found", both));
    root.prepend(app);
    addEventListener("hashchange", () => { if (location.hash !== this.address()) this.open(); });
    this.open();
  }

  examples(app) {
    const box = part("div", "cost-cases", app);
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Fill in an example");
    part("span", "", box, "Fill in:");
    this.buttons = this.cases.map((one) => {
      const button = part("button", "", box, one.name);
      button.type = "button";
      button.addEventListener("click", () => this.set({ ...one.plan }));
      return button;
    });
    this.about = part("p", "cost-about", app);
  }

  form(box) {
    for (const [title, controls] of GROUPS) {
      const group = part("fieldset", "", box);
      part("legend", "", group, title);
      for (const [name, label, scale, say] of controls) this.control(group, name, label, scale, say);
      if (title === "The SAE") this.how(group);
    }
    this.said = part("p", "cost-said", box);
    this.said.setAttribute("role", "status");
  }

  control(group, name, label, scale, say) {
    const line = part("div", "cost-line", group), text = part("label", "", line, label);
    const slider = part("input", "", line), typed = part("input", "", line);
    Object.assign(slider, { type: "range", min: 0, max: scale.most, step: 1 });
    Object.assign(typed, { type: "text", autocomplete: "off", spellcheck: false, id: `cost-${name}` });
    text.htmlFor = typed.id;
    slider.setAttribute("aria-label", label);
    slider.addEventListener("input", () => this.set({ [name]: scale.of(+slider.value) }, slider));
    typed.addEventListener("change", () => this.type(name, label, typed));
    this.controls[name] = { slider, typed, scale, say };
  }

  how(group) {
    const line = part("label", "cost-dense", group);
    this.dense = part("input", "", line);
    this.dense.type = "checkbox";
    line.append(" all products dense, as plain PyTorch does them");
    this.dense.addEventListener("change", () => this.set({ dense: this.dense.checked }));
  }

  type(name, label, typed) {
    const value = parsed(typed.value), why = Number.isFinite(value) ? wrong({ ...this.plan, [name]: value }) : "a number is needed, such as 4096, 34M, 2^24 or 1.5e9";
    if (why) {
      typed.setAttribute("aria-invalid", "true");
      this.said.textContent = `${label}: ${why}. Computed is still what stood there before.`;
    } else this.set({ [name]: value });
  }

  table(box) {
    const table = part("table", "", box);
    table.dataset.quartoDisableProcessing = "true";
    this.cells = {};
    for (const [title, lines] of RESULTS) {
      const body = part("tbody", "", table), head = part("th", "", part("tr", "", body), title);
      head.colSpan = 2;
      head.scope = "rowgroup";
      for (const [name, what, unit, formula] of lines) {
        const row = part("tr", what === "together" ? "cost-total" : "", body), label = part("th", "", row, what);
        label.scope = "row";
        this.cells[name] = { unit, formula: formula.split("|"), shown: formula ? part("small", "", label) : null, cell: part("td", "", row) };
      }
    }
  }

  // Takes on new values; `from` is the slider that is being moved. What cannot be is said, and nothing changes.
  set(changes, from) {
    const next = { ...this.plan, ...changes }, why = wrong(next);
    if (why) {
      this.said.textContent = `${why[0].toUpperCase()}${why.slice(1)}.`;
      this.show(from);
      return false;
    }
    this.plan = next;
    this.said.textContent = "";
    this.show(from);
    clearTimeout(this.timer); // browsers refuse addresses written too often
    this.timer = setTimeout(() => history.replaceState(null, "", this.address()), 200);
    return true;
  }

  show(from) {
    const { plan } = this, found = cost(plan);
    for (const [name, { slider, typed, scale, say }] of Object.entries(this.controls)) {
      if (slider !== from) slider.value = Math.round(scale.at(plan[name]));
      slider.setAttribute("aria-valuetext", say(plan[name]));
      typed.value = say(plan[name]);
      // what is written short is not what is computed: then all of it stands there
      if (name !== "price" && Math.abs(parsed(typed.value) / plan[name] - 1) > 1e-9) typed.value = plan[name].toLocaleString("en", { maximumSignificantDigits: 15 });
      typed.removeAttribute("aria-invalid");
    }
    this.dense.checked = plan.dense;
    for (const [name, { unit, formula, shown, cell }] of Object.entries(this.cells)) {
      cell.textContent = said(found[name], unit);
      if (shown) shown.textContent = formula[plan.dense ? formula.length - 1 : 0];
    }
    this.sum.textContent = `${said(found.parameters, "count")} parameters, ${said(found.memory, "bytes")} while they are trained, ` +
      `${said(found.hours, "hours")} on one device` + (plan.price ? `, ${said(found.money, "money")}.` : ".");
    const at = this.cases.findIndex((one) => Object.keys(one.plan).every((name) => one.plan[name] === plan[name]));
    this.buttons.forEach((button, which) => button.setAttribute("aria-pressed", which === at));
    const one = this.cases[at];
    this.about.textContent = one ? `${one.source}. ${one.checked ? `Checked: ${one.checked}. ` : ""}${this.assumed(one)}` : "Your own numbers.";
  }

  assumed(one) {
    const all = GROUPS.flatMap(([, controls]) => controls), names = all.filter(([name]) => !one.known.includes(name) && one.plan[name]).map(([, label]) => label.replace(/, \w$/, ""));
    return names.length ? `Assumed: ${names.join(", ")}.` : "";
  }

  address() {
    const made = new URLSearchParams(), usual = this.cases[0].plan;
    for (const [name, value] of Object.entries(this.plan)) if (value !== usual[name]) made.set(name, name === "dense" ? "1" : value);
    return `#${made}`;
  }

  open() {
    const given = new URLSearchParams(location.hash.slice(1)), next = { ...this.cases[0].plan };
    for (const [name, value] of given) if (name === "dense") next.dense = value === "1"; else if (name in next) next[name] = Number(value);
    const why = wrong(next);
    if (!why) this.plan = next;
    this.show();
    this.said.textContent = why && `The address asks for what cannot be: ${why}.`;
  }
}

document.querySelectorAll(".cost").forEach((root) => { root.calculator = new Calculator(root); });
