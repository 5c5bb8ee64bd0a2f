// Pieces of markup that several parts of the page share.
const PICTURES = new URL("../generated/explorer/", import.meta.url);

export const esc = (s) => String(s).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
export const percent = (v) => v > 0 && v < .005 ? "below 1%" : v < 1 && v > .995 ? "over 99%" : Math.round(100 * v) + "%";

// Ten bars, a class each; `before` stands as a line in each of them.
export function bars(box, classes, values, before) {
  const most = values ? values.indexOf(Math.max(...values)) : -1;
  if (box.childElementCount !== classes.length) box.innerHTML = classes.map((name) => `<div><span><i></i><u></u></span><b>${esc(name)}</b></div>`).join("");
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", values ? classes.map((name, c) => `${name}: ${percent(values[c])}`).join(", ") : "no answer yet");
  Array.from(box.children).forEach((bar, c) => {
    bar.classList.toggle("dr-most", c === most);
    bar.title = values ? `${classes[c]}: ${percent(values[c])}` : "";
    bar.querySelector("i").style.height = values ? 100 * values[c] + "%" : "0";
    const line = bar.querySelector("u");
    line.hidden = !before;
    if (before) line.style.bottom = `calc(${100 * before[c]}% - 1px)`;
  });
}

export const sprite = (set) => new URL(`${set}/sprite.webp`, PICTURES).href;
export const meanSheet = (set, depth) => new URL(`${set}/mean-latents-${depth}-none.webp`, PICTURES).href;

export function cell(url, number, columns, ratio = 1) {
  return `<i class="dr-img" style="--c:${columns};--r:${ratio};--x:${-(number % columns)};--y:${-Math.floor(number / columns) * ratio};background-image:url('${url}')"></i>`;
}

// A latent's mean image, where there is one, and those that drive it most: three in all, or four.
export function images({ pictures, root }, network, depth, latent, whole) {
  if (!pictures.sprite) return "";
  const set = root.dataset.set, known = network === "trained" && pictures.means.columns;
  const own = ((pictures[network][depth] || {})[latent] || []).slice(0, known && !whole ? -1 : undefined);
  const first = known ? cell(meanSheet(set, depth), latent, pictures.means.columns, pictures.sprite.ratio) : "";
  return first + own.map((n) => cell(sprite(set), n, pictures.sprite.columns, pictures.sprite.ratio)).join("");
}

// What a latent is called; of one without a name the class that it is mostly on for, where that is more than chance.
export function nameOf({ nets, pictures }, network, depth, place) {
  const { names, latents } = nets[network].depths[depth - 1], mostly = ((pictures.mostly || {})[network] || {})[depth] || {};
  const own = mostly[latents[place]];
  return names[place] || (own === undefined ? "unnamed" : "unnamed, mostly " + nets[network].classes[own]);
}

export function explorer({ root }, depth, latent) {
  const page = root.dataset.explorer;
  return page ? new URL("../../../" + page.replace(/^\//, "").replace(/\.qmd$/, ".html"), import.meta.url).href + `#depth=${depth}&latent=${latent}` : "";
}

// One latent that fires: its images, its name, how strongly; to be steered where that is offered.
export function chip(page, network, depth, place, share, steered) {
  const net = page.nets[network], latent = net.depths[depth - 1].latents[place], address = network === "trained" ? explorer(page, depth, latent) : "";
  const pressed = steered && page.steering.is(depth, place), name = nameOf(page, network, depth, place), quiet = net.depths[depth - 1].names[place] ? "" : " dr-unnamed";
  const bar = share > 0 ? `<span class="dr-bar"><i style="width:${Math.round(100 * share)}%"></i></span>` : "";
  const inner = `<span class="dr-images" aria-hidden="true">${images(page, network, depth, latent)}</span><span class="dr-name${quiet}">${esc(name)}</span>${bar}`;
  const body = steered ? `<button type="button" class="dr-chip" data-depth="${depth}" data-latent="${place}" aria-pressed="${pressed}" title="Its mean image, and those that drive it most. Press to turn it up or down.">${inner}</button>` : `<div class="dr-chip">${inner}</div>`;
  return body + (address ? `<a href="${esc(address)}" title="Latent ${latent} of depth ${depth} in the explorer">${latent}</a>` : `<small>${latent}</small>`);
}
