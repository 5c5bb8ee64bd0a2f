// What it costs to train TopK SAEs: the formulae of analysis/results/cost.py, where they are explained; a test compares the two.
export const POSITIVE = ["d_model", "latents", "k", "layers", "tokens", "passes", "host", "number", "stored", "flops", "utilisation"];

// What is wrong with a plan, as a sentence; empty where nothing is.
export function wrong(plan) {
  for (const name of POSITIVE) if (!(Number.isFinite(plan[name]) && plan[name] > 0)) return `${name} must be a number above 0`;
  if (!(Number.isFinite(plan.price) && plan.price >= 0)) return "the price must be a number, at least 0";
  if (plan.utilisation > 1) return "nothing does more than all of its operations: utilisation is at most 100%";
  if (plan.k > plan.latents) return "more latents cannot be on than there are: k is at most their number";
  return "";
}

export function cost(plan) {
  const { d_model: d, latents: n, layers, dense } = plan;
  const matrices = 2 * n * d * layers, biases = (n + d) * layers, parameters = matrices + biases, weights = parameters * plan.number;
  const full = 2 * n * d, active = dense ? full : 2 * plan.k * d, to_bias = dense ? full : 0, row = full + 4 * active + to_bias;
  const training = row * plan.tokens * plan.passes * layers, reading = 2 * plan.host * plan.tokens;
  const an_hour = plan.flops * plan.utilisation * 3600, hours = (training + reading) / an_hour;
  return {
    matrices, biases, parameters, weights, gradients: weights, moments: 2 * weights, memory: 4 * weights,
    disk: plan.tokens * d * layers * plan.stored,
    encoder: full, decoder: active, to_latents: active, to_decoder: active, to_encoder: active, to_bias, row,
    training, reading, training_hours: training / an_hour, reading_hours: reading / an_hour, hours, money: hours * plan.price,
  };
}

const COUNTS = [[1e12, " trillion"], [1e9, " billion"], [1e6, " million"], [1, ""]];
const BYTES = [[1e15, " PB"], [1e12, " TB"], [1e9, " GB"], [1e6, " MB"], [1e3, " kB"], [1, " bytes"]];
const TIMES = [[8766, " years"], [48, " days"], [1, " hours"], [1 / 60, " minutes"], [0, " seconds"]];
const IN_HOURS = { " years": 8766, " days": 24, " hours": 1, " minutes": 1 / 60, " seconds": 1 / 3600 };
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function rounded(value) { return Number(value.toPrecision(4)); }

function digits(value) {
  return rounded(value).toLocaleString("en", { maximumSignificantDigits: 4 });
}

function within(value, units) {
  const [unit, name] = units.find(([least]) => value >= least) || units[units.length - 1];
  return digits(value / unit) + name;
}

// A number for readers: `what` is count, bytes, hours or money.
export function said(value, what) {
  if (what === "hours") {
    const [, name] = TIMES.find(([least]) => value >= least);
    return digits(value / IN_HOURS[name]) + name;
  }
  if (what === "count" && value < 1e6 && Number.isInteger(value)) return value.toLocaleString("en");
  value = rounded(value); // before its unit is chosen: no thousand millions
  const sign = what === "money" ? "$" : "";
  if (what === "bytes") return within(value, BYTES);
  if (value < 1e15) return sign + within(value, COUNTS);
  const power = Math.floor(Math.log10(value));
  return `${sign}${digits(value / 10 ** power)} × 10${Array.from(String(power), (c) => RAISED[c]).join("")}`;
}

// What a reader types: `34e6`, `34M`, `34 million`, `2^24`, `40B`, `32k`, `40%`; NaN for anything else.
export function parsed(text) {
  const plain = text.trim().replace(/(\d)[,_\u00a0\u202f ](?=\d{3})/g, "$1");
  const power = plain.match(/^(\d+)\s*(?:\^|\*\*)\s*(\d+)$/);
  if (power) return power[1] ** power[2];
  const found = plain.match(/^\$?\s*(\d*\.?\d+(?:e[+-]?\d+)?|\d+\.)\s*(k|m|b|t|thousand|million|billion|trillion|%)?$/i);
  if (!found) return NaN;
  const unit = { k: 1e3, m: 1e6, b: 1e9, t: 1e12, "%": .01 }[(found[2] || "").toLowerCase().replace(/^th.*/, "k").slice(0, 1)];
  return Number(found[1]) * (unit || 1);
}
