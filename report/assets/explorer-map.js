// The explorer's map of directions (format: analysis/pages/explorer_map.py), and the maps of its floors beside it. A point
// is a sign and a colour: the class's own where every class is called by one character, else a dot.
const SVG = "http://www.w3.org/2000/svg", HALF = 106, REACH = 14;

function drawn(points, classes, label) {
  const signs = classes.length && classes.every((name) => name.length === 1), svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `${-HALF} ${-HALF} ${2 * HALF} ${2 * HALF}`);
  svg.setAttribute("aria-label", label);
  svg.append(...points.map(([x, y, c]) => {
    const mark = document.createElementNS(SVG, signs && c >= 0 ? "text" : "circle");
    const at = mark.tagName === "text" ? { x: x / 10, y: y / 10 } : { cx: x / 10, cy: y / 10, r: 2 };
    Object.entries(at).forEach(([key, value]) => mark.setAttribute(key, value));
    if (c >= 0) mark.style.setProperty("--h", 360 * c / classes.length);
    if (mark.tagName === "text") mark.textContent = classes[c];
    return mark;
  }));
  return svg;
}

// The point nearest to a place, of those that `may`; undefined where none lies within reach.
function nearest(points, x, y, reach, may = () => true) {
  let best, least = reach * reach;
  points.forEach((point, n) => {
    const far = (point[1] / 10 - x) ** 2 + (point[2] / 10 - y) ** 2;
    if (far <= least && may(point)) { least = far; best = n; }
  });
  return best;
}

// The next point in the direction of an arrow: near, and not far to the side.
const TO = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
function next(points, from, [dx, dy]) {
  let best = from, least = Infinity;
  points.forEach((point, n) => {
    const x = point[1] - points[from][1], y = point[2] - points[from][2], along = x * dx + y * dy, aside = Math.abs(x * dy - y * dx);
    if (along > 0 && aside <= along && along + 2 * aside < least) { least = along + 2 * aside; best = n; }
  });
  return best;
}

/** Draws the maps of a depth into `box`, once, and marks the latent `now` and those that are `listed`. */
export function map(box, found, given) {
  const place = box.querySelector("[data-map]");
  if (place.of !== found) {
    place.of = found;
    place.replaceChildren(learned(box, place, found, given.classes));
    Object.entries(found.floors).forEach(([name, points]) => {
      const svg = drawn(points, given.classes, `Map of ${points.length} ${name === "random" ? "random directions" : "random mixtures of activations"}`);
      svg.setAttribute("role", "img");
      box.querySelector(`[data-floor=${name}]`).replaceChildren(svg);
    });
    ["learned", "random", "mixtures"].forEach((name) => {
      box.querySelector(`[data-alike=${name}]`).textContent = name in found.alike ? `: ${given.share(found.alike[name])} of neighbours are of its class` : "";
    });
  }
  place.given = given;
  place.mark();
}

function learned(box, place, found, classes) {
  const { points } = found, told = box.querySelector(".xp-at");
  const svg = drawn(points.map((point) => point.slice(1)), classes, `Map of ${points.length} latents by direction`);
  const marks = Array.from(svg.children);
  const rings = ["xp-ring", "xp-cursor"].map((name) => {
    const ring = document.createElementNS(SVG, "circle");
    ring.setAttribute("class", name);
    ring.setAttribute("r", 6);
    return svg.appendChild(ring);
  });
  let cursor = -1;
  const put = (ring, n) => {
    ring.style.display = n < 0 ? "none" : "";
    if (n >= 0) { ring.setAttribute("cx", points[n][1] / 10); ring.setAttribute("cy", points[n][2] / 10); }
  };
  const own = () => points.findIndex(([i]) => i === place.given.now);
  function point(n) {
    cursor = n;
    put(rings[1], n);
    const i = points[n < 0 ? own() : n]?.[0];
    told.textContent = i === undefined ? "" : (n < 0 ? "Here: " : "To ") + place.given.says(i);
  }
  place.mark = () => {
    put(rings[0], own());
    marks.forEach((mark, n) => mark.classList.toggle("xp-faint", !place.given.listed.has(points[n][0])));
    point(-1);
  };
  const pick = (n) => { if (n >= 0) place.given.pick(points[n][0]); };
  const under = (event) => {
    const { left, top, width } = svg.getBoundingClientRect(), unit = 2 * HALF / width;
    return nearest(points, (event.clientX - left) * unit - HALF, (event.clientY - top) * unit - HALF, REACH) ?? -1;
  };
  svg.setAttribute("tabindex", 0);
  svg.setAttribute("role", "application");
  svg.addEventListener("pointermove", (event) => { const n = under(event); if (n !== cursor) point(n); });
  svg.addEventListener("pointerleave", () => point(-1));
  svg.addEventListener("click", (event) => pick(under(event)));
  svg.addEventListener("blur", () => point(-1));
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (TO[event.key]) point(next(points, cursor < 0 ? Math.max(own(), 0) : cursor, TO[event.key]));
    else if (event.key === "Enter" || event.key === " ") pick(cursor);
    else return;
    event.preventDefault();
    event.stopPropagation(); // elsewhere in the explorer arrows walk the list
  });
  return svg;
}
