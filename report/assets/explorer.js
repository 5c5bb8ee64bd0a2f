// The explorer: one latent at a time, from files fetched when needed (format: analysis/pages/explorer.py). The page holds the
// words: data-t gets a text, data-n a number (key, place, form, place of its floor), data-if may hide. It also names the
// sets of examples, by its buttons; all else that is said of a set comes with the set's index.
(function () {
  "use strict";
  const root = document.querySelector(".xp");
  if (!root) return;
  const one = (selector) => root.querySelector(selector), each = (selector, act) => root.querySelectorAll(selector).forEach(act);
  const search = one("[type=search]"), number = one("[type=number]"), order = one("select"), box = one("ol");
  const tower = one(".xp-tower"), chips = one(".xp-chips"), title = one("h2"), page = document.title, kept = {};
  const sets = Array.from(root.querySelectorAll(".xp-sets button"), (button) => button.dataset.set);
  const none = { levels: [], classes: [], examples: "examples" };
  const usual = { set: sets[0], depth: null, latent: null, class: "", find: "", sort: "number", embed: "" }, state = {};
  const assets = document.currentScript.src.replace(/[^/]*$/, ""), base = assets + "generated/explorer/";
  let index = none, place, now, timer, rest, latents = [], list = [], turn = 0;

  // A number that is undefined is a dash, never NaN.
  const known = (v) => v !== null && v !== undefined, text = (write) => (v) => known(v) ? write(v) : "–";
  const fixed = (v, digits) => v.toFixed(digits).replace("-", "−");
  const dot = text((v) => fixed(v / 1000, 2)), pct = text((v) => fixed(v / 10, v < 100 && v % 10 ? 1 : 0) + "%");
  const signed = (parts, digits) => text((v) => (v > 0 ? "+" : "") + fixed(v / parts, digits)), points = signed(10, 1);
  const q = text((v) => v ? v / 1000 : "below 0.001"), name = (c) => known(index.classes[c]) ? index.classes[c] : "nothing";
  const forms = { dot, pct, q, name };
  const html = (values, write) => values.map(write).join("");
  const esc = (s) => String(s).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`), most = (values) => Math.max.apply(null, values);
  const top = (l) => l.k.indexOf(most(l.k));
  const label = (l) => l.m ? l.n : l.k.length && l.s[1] > (known(l.s[2]) ? l.s[2] : 500) ? "unnamed, mostly " + name(top(l)) : "unnamed";
  const level = (depth) => index.levels.find((l) => l.depth === depth), called = (depth) => depth ? "Depth " + depth : "Neurons";

  function get(file) {
    const ask = () => /json$/.test(file)
      ? fetch(base + file).then((answer) => answer.ok ? answer.json() : Promise.reject())
      : new Promise((done, fail) => Object.assign(new Image(), { onload: done, onerror: fail, src: base + file }));
    // what failed is asked for again the next time
    return kept[file] = kept[file] || ask().catch(() => { delete kept[file]; throw file; });
  }

  function read() {
    const given = new URLSearchParams(location.hash.slice(1));
    Object.keys(usual).forEach((key) => { state[key] = given.get(key) || usual[key]; });
    order.value = state.sort;
    if (!order.value) order.value = state.sort = usual.sort;
  }

  function address(given) {
    const made = new URLSearchParams();
    Object.keys(usual).forEach((key) => { if (known(given[key]) && given[key] !== usual[key]) made.set(key, given[key]); });
    return "#" + made;
  }

  // Browsers refuse addresses written too often: typing and held keys write once they rest.
  function go(change, rests) {
    Object.assign(state, change);
    clearTimeout(timer);
    if (rests) timer = setTimeout(() => history.replaceState(null, "", address(state)), 250);
    else history.pushState(null, "", address(state));
    return show();
  }

  async function show() {
    const mine = ++turn;
    let lost, found, next = none, there;
    if (sets.includes(state.set)) try {
      next = await get(state.set + "/index.json");
      there = next.levels.find((l) => l.depth === (known(state.depth) ? +state.depth : next.start));
      found = there && await get(`${state.set}/${there.file}`);
    } catch (file) { lost = file; }
    // all at once: keys that are pressed while a file loads walk what is still shown
    if (mine !== turn) return;
    index = next;
    place = lost ? null : there;
    latents = found ? found.latents : [];
    drawSide();
    drawMain(lost);
  }

  const link = (depth, i, inner) => `<a href="${address({ set: state.set, depth, latent: i })}">${inner}</a>`;

  function drawSide() {
    if (tower.of !== index) {
      tower.of = index;
      tower.innerHTML = html(index.levels, (l) => `<button type="button" data-level="${l.depth}" aria-label="${called(l.depth)}" ` +
        `title="${l.live} fire, ${l.named} named">${l.depth || "Neurons"}</button>`);
      chips.innerHTML = html(index.classes, (what, c) => `<button type="button" data-class="${c}">${esc(what)}</button>`);
      one(".xp-key").innerHTML = html(index.classes, (what, c) => `<button type="button" data-class="${c}" style="--h:${360 * c / index.classes.length}"><i></i>${esc(what)}</button>`);
    }
    each(".xp-side button, .xp-key button", (b) => b.setAttribute("aria-pressed",
      b.dataset.set === state.set || b.dataset.class === state.class || (!!place && +b.dataset.level === place.depth)));
    const words = state.find.toLowerCase().split(/[\s,]+/), [key, at, form] = (place && place.plain && state.sort === usual.sort ? "s 1 pct" : order.selectedOptions[0].dataset.by).split(" ");
    list = latents.filter((l) => {
      const says = ` ${label(l)}${l.m ? " named" : ""}${l.x === 1 ? " disagrees" : ""}`.toLowerCase();
      return (state.class === "" || String(l.c) === state.class) && words.every((w) => w === String(l.i) || says.indexOf(" " + w) >= 0);
    });
    if (state.sort !== usual.sort) list.sort((a, b) => (key === "d" && b.m - a.m) || b[key][at] - a[key][at]);
    if (document.activeElement !== search) search.value = state.find;
    const sheet = place && thumbs();
    const made = html(list, (l) => `<li>${link(place.depth, l.i, `${sheet ? thumb(sheet, l) : ""}<span>${l.i}</span><${l.m ? "b" : "i"}>` +
      `${esc(label(l))}${l.x === 1 ? ' <abbr title="name and effect disagree">≠</abbr>' : ""}</${l.m ? "b" : "i"}><span>${forms[form](l[key][at])}</span>`)}</li>`);
    // the same list keeps the focus
    if (box.made !== made) box.innerHTML = box.made = made;
    if (sheet) box.style.setProperty("--sheet", `url(${base}${sheet.file === "sprite.webp" && index.from || state.set}/${sheet.file})`);
    // on a phone the list is folded: what was found in it must be seen
    if (state.find || state.class) one("details").open = true;
  }

  // A list shows mean images where there are some, else the strongest example; a set without images has none.
  const thumbs = () => place.views.includes("mean") ? { file: `mean-${place.kind}-${place.depth}-none.webp`, cut: index.sheets, of: (l) => l.i }
    : index.sprite.width ? { file: "sprite.webp", cut: index.sprite, of: (l) => l.b[0][0] } : null;
  function thumb(sheet, l) {
    const { columns, width, height } = sheet.cut, cell = sheet.of(l);
    return known(cell) ? `<i class="xp-thumb" style="--c:${columns};--r:${height / width};--x:${cell % columns};--y:${Math.floor(cell / columns)}"></i>` : "<i></i>";
  }

  function head(words) {
    const noun = place && place.depth ? "latent" : "neuron", i = now ? now.i : state.latent;
    const where = place ? `${called(place.depth)}, ${noun} ${i} of ${place.all}` : "";
    const sought = [state.find && `“${state.find}”`, state.class && `class ${name(state.class)}`].filter(Boolean).join(" and ");
    words = Object.assign({ where, noun, fit: list.length, sought, empty: place && !list.length && sought, namedcount: place && !place.plain && place.named, word: place && place.word, examples: index.examples, classed: index.classes.length }, place, now, words);
    each("[data-t]", (e) => { e.textContent = words[e.dataset.t]; });
    each("[data-if]", (e) => { e.hidden = !words[e.dataset.if]; });
    root.classList.toggle("xp-plain", !!(place && place.plain));
    document.documentElement.classList.toggle("xp-embed", state.embed === "1");
    one(".xp-out").target = "_top";
    one(".xp-out").href = location.href.split("#")[0] + address({ ...state, embed: "" });
    one("[data-t=shared]").textContent = "";
    number.value = i >= 0 ? i : "";
    document.title = `${words.title}, ${where} – ${page}`;
    const at = list.indexOf(now);
    each("ol a", (a, n) => {
      a.setAttribute("aria-current", n === at);
      // one stop for Tab in the whole list; arrows walk it
      a.tabIndex = n === Math.max(at, 0) ? 0 : -1;
      if (!a.tabIndex) box.scrollTop = a.offsetTop - box.clientHeight / 2;
    });
  }

  // Who asks for no latent sees one that shows what they are for; the page says by which rule.
  const whole = (l) => l.o[0] && known(l.c) && l.o[2] === l.c && l.x === 0 && l.r[2] >= 800;
  function showcase() {
    const all = state.class && list.length ? list : latents, named = all.filter((l) => l.m);
    const first = (of, by) => of.slice().sort((a, b) => by(b) - by(a))[0];
    return first(named.filter(whole), (l) => l.d[0]) || first(named, (l) => l.d[0]) || first(place && place.plain ? all.filter((l) => l.s[3] >= 10) : [], (l) => l.s[1]) || all[0];
  }

  function drawMain(lost) {
    const best = showcase();
    const i = known(state.latent) ? +state.latent : best ? best.i : 0;
    now = latents.find((l) => l.i === i);
    if (now) return drawLatent(now);
    if (lost) return head({ title: "Not here", failed: lost, set: state.set, other: state.set !== sets[0] });
    if (!sets.includes(state.set)) return head({ title: "No such experiment", noset: state.set });
    if (!place) return head({ title: "No such depth", nodepth: true, last: most(index.levels.map((l) => l.depth)) });
    const ways = [latents.filter((l) => l.i < i).pop(), latents.find((l) => l.i > i), best].filter(Boolean);
    const exists = i >= 0 && i < place.all && !(i % 1);
    head({ title: exists ? "silent" : "No such number", silent: exists, nolatent: !exists, end: place.all - 1, ways: ways.length });
    one(".xp-ways").innerHTML = html(ways, (l) => link(place.depth, l.i, `${l.i}: ${esc(label(l))}`));
  }

  function picture(file, cell, cut, says) {
    const ratio = cut.height / cut.width, path = `${file === "sprite.webp" && index.from || state.set}/${file}`;
    return `<span class="xp-img${cut.fine ? " xp-fine" : ""}" role="img" title="${esc(says)}" data-file="${path}" style="` +
      `--c:${cut.columns};--r:${ratio};--x:${-cell % cut.columns};--y:${-Math.floor(cell / cut.columns) * ratio}"></span>`;
  }
  // An example that is no image is what its data set makes of it, or only its number.
  function shown(cell, says) {
    const { sprite } = index, id = sprite.ids[cell], label = sprite.labels[cell];
    const told = `${known(label) ? name(label) + ", " : ""}example ${id}, ${says}`;
    return sprite.width ? picture("sprite.webp", cell, sprite, told)
      : `<div class="xp-text" title="${esc(told)}">${sprite.html ? sprite.html[cell] : "example " + id}</div>`;
  }
  const view = (what, at, i) => picture(`${what}-${at.kind}-${at.depth}-none.webp`, i, index.sheets, what + " image");
  const bar = (from, width, less) => `<i class="${less ? "xp-less" : ""}" style="left:${from}%;width:${width}%"></i>`;
  const against = (v, floor, write) => `${write(v)}<span class="xp-scale">${bar(0, v / 10, known(v) && v <= floor)}` +
    `${known(floor) ? `<b style="left:${floor / 10}%"></b>` : ""}</span>`;

  // An axis reaches `least` at least: a small effect must look small.
  function column(values, halves, least, write) {
    const end = most(values.map((v, c) => Math.abs(v) + (halves[c] || 0)).concat(least)), at = (v) => 50 + 50 * v / end;
    return values.map((v, c) => !known(v) ? "<td>–</td>" : `<td>${write(v)}<span class="xp-axis">` +
      `${bar(at(Math.min(0, v)), at(Math.abs(v)) - 50, v < 0)}${known(halves[c]) ? `<b style="left:${at(v - halves[c])}%;width:` +
      `${2 * at(halves[c]) - 100}%"></b></span><small>±${fixed(halves[c] / 10, 1)}</small>` : "</span>"}</td>`);
  }

  function drawLatent(l) {
    const random = l.z.find((z) => z[0] === "random_host") || [], falls = known(l.e);
    const columns = [column(l.ab, l.ah, 50, points), column(l.st, l.sh, 50, points), column(l.at, [], 100, signed(100, 2))];
    head({
      shown: true, title: label(l), unnamed: !l.m, whole: l.r[0] !== l.r[2] || l.r[1] !== l.r[3],
      named: l.m && index.classes.length, described: l.m && !index.classes.length, reads: known(l.o[2]), read: known(l.t[0]),
      noeffect: !falls && l.ab.some(known), effect: falls && !(l.m && l.x === 1), agrees: l.m && l.x === 0, unclear: l.m && l.x === 2,
      looked: !place.plain, gate4: l.q === 4, gate0: l.q === 0, gate1: l.q === 1, gate2: l.q === 2, gate3: l.q === 3, x: l.m && l.x === 1, lowers: name(l.e), falls: falls ? fixed(-l.ab[l.e] / 10, 1) : "",
      showcase: !known(state.latent) && l.m && whole(l),
      mapped: place.map, unmapped: !place.map, neurons: !place.depth, nomap: !place.map && place.depth,
      twin: l.rn && index.sprite.width, twinname: l.rn ? `${l.rn[0]}, ${l.rn[1]}` : "", twinshare: l.rn && known(l.rn[2]) ? pct(l.rn[2]) : "",
      reached: l.o[1], enters: l.o[0], outside: !l.o[0], top: name(top(l)), chosen: name(l.c)
    });
    each("[data-n]", (e) => {
      const [key, at, form, low] = e.dataset.n.split(" ");
      if (low) e.innerHTML = against(l[key][at], l[key][low], forms[form]); else e.textContent = forms[form](l[key][at]);
    });
    each(".xp-bands figure", (figure, band) => {
      const cells = l.b[band];
      figure.hidden = !cells.length;
      figure.lastChild.innerHTML = html(cells, (cell, n) => `<div class="xp-cell">${shown(cell,
        `activation ${l.v[band][n]}% of the largest`)}` +
        `${bar(0, l.v[band][n])}<small>${l.v[band][n]}%</small></div>`);
    });
    one(".xp-bands").classList.toggle("xp-texts", !index.sprite.width);
    [["own", l.b[0]], ["other", l.rn && index.sprite.width ? l.rn[3] : []]].forEach(([which, cells]) => {
      one(`[data-twin=${which}]`).innerHTML = l.rn && index.sprite.width ? html(cells, (cell) => `<div class="xp-cell">${shown(cell, "one of its strongest")}</div>`) : "";
    });
    one(".xp-views").hidden = !place.views.length;
    each("[data-view]", (e) => {
      const there = place.views.includes(e.dataset.view);
      e.parentNode.hidden = !there;
      e.innerHTML = there ? view(e.dataset.view, place, l.i) : "";
    });
    one(".xp-match").innerHTML = html(l.z.filter((z) => z !== random), (z) => `<tr><th scope="row">Match in ${esc(z[0])} (${z[1]})</th>` +
      `<td>${against(z[2], random[2], dot)}</td><td>${dot(random[2])} <small>untrained</small></td></tr>`);
    one(".xp-classes tbody").innerHTML = html(index.classes, (what, c) => `<tr><th scope="row" class="${known(l.s[2]) && l.k[c] > l.s[2] ? "xp-beyond" : ""}">${esc(what)}</th>` +
      `<td>${against(l.k[c], l.s[2], pct)}</td>${html(columns, (column) => column[c])}</tr>`);
    one(".xp-hist").innerHTML = html(l.h, (n) => `<i style="height:${100 * n / most(l.h)}%"></i>`);
    one(".xp-hist").title = `${index.examples[0].toUpperCase() + index.examples.slice(1)} in ${l.h.length} equal parts of activation from 0 to ${l.a}: ${l.h.join(", ")}`;
    each("[data-kin]", (part) => {
      const [key, by] = part.dataset.kin.split(" "), to = level(place.depth + +by), pairs = l[key];
      part.hidden = !pairs.length || !to;
      part.querySelector("span").textContent = to ? called(to.depth) : "";
      part.lastChild.innerHTML = html(to ? pairs : [], (p) => `<li>${link(to.depth, p[0], `${to.views.includes("mean") ? view("mean", to, p[0]) : ""}<span>` +
        `<u>${p[0]}</u> ${dot(p[1])}<small data-of="${to.file}" data-i="${p[0]}"></small></span>`)}</li>`);
    });
    arrive();
  }

  // Pictures, and names of latents above and below, are fetched when they come near: most readers never scroll to some.
  // Any of them may fail; none holds up the rest.
  const near = new IntersectionObserver((seen) => seen.forEach((one) => {
    if (!one.isIntersecting) return;
    near.unobserve(one.target);
    fetched(one.target, turn);
  }), { rootMargin: "200px" });

  function arrive() {
    near.disconnect();
    each("[data-file], [data-of], [data-map]", (e) => near.observe(e));
    // who stays may print: pictures that come while a browser prints come too late
    clearTimeout(rest);
    rest = setTimeout(() => each("[data-file]", (e) => fetched(e, turn)), 3000);
  }

  function fetched(e, mine) {
    const lost = (file) => { if (mine === turn) Object.assign(one("[data-t=lost]"), { textContent: file }).parentNode.hidden = false; };
    if ("map" in e.dataset) drawMap(lost);
    else if (e.dataset.file) {
      e.style.backgroundImage = `url(${base}${e.dataset.file})`;
      get(e.dataset.file).catch((file) => { e.classList.add("xp-lost"); lost(file); });
    } else get(`${state.set}/${e.dataset.of}`).then((found) => {
      const other = found.latents.find((l) => l.i === +e.dataset.i);
      e.textContent = other ? label(other) : "silent";
    }).catch(lost);
  }

  // The map and what draws it are fetched with its place; it is drawn once a depth, and marked with every latent.
  function drawMap(lost) {
    const shown = place, mine = turn;
    if (!shown || !shown.map || !now) return;
    Promise.all([import(assets + "explorer-map.js"), get(`${state.set}/${shown.map}`)]).then(([{ map }, found]) => {
      if (mine !== turn) return;
      map(one(".xp-map"), found, { classes: index.classes, now: now.i, listed: new Set(list.map((l) => l.i)), share: pct, pick: walk,
        says: (i) => { const l = latents.find((l) => l.i === i); return l ? `${i}: ${label(l)}` : `${i}: silent`; } });
    }).catch(lost);
  }

  // The address of what is shown, alone or in a frame for other pages.
  function share(what) {
    const full = { ...state, depth: place ? place.depth : state.depth, latent: now ? now.i : state.latent };
    const to = (given) => location.href.split("#")[0] + address(given);
    const text = what === "link" ? to(full) : `<iframe src="${esc(to({ ...full, embed: "1" }))}" title="${esc(document.title)}" width="720" height="640" style="border:0"></iframe>`;
    const said = (words) => { one("[data-t=shared]").textContent = words; };
    const copied = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
    copied.then(() => said("Copied."), () => said(text)); // a browser that does not let us: to be copied by hand
  }

  const walk = (i, rests) => go({ depth: place.depth, latent: i }, rests);

  function step(by, rests) {
    let at = list.indexOf(now);
    // from one that is not in the list, to its neighbours by number
    if (at < 0) at = Math.max(0, list.findIndex((l) => l.i > +state.latent)) - (by > 0);
    const to = list[(at + by + list.length) % list.length];
    if (to) walk(to.i, rests);
  }

  function climb(by) {
    const to = place && level(place.depth + by), way = now && (by > 0 ? now.u[0] : now.p[0] || now.y[0]);
    if (to) go({ depth: to.depth, latent: way ? way[0] : null });
  }

  root.addEventListener("click", (event) => {
    const hit = event.target.closest("a, button"), data = hit && hit.dataset;
    if (!hit || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (data.set) go({ set: data.set, depth: null, latent: null, class: "", find: "" });
    else if (data.class) go({ class: data.class === state.class ? "" : data.class, latent: null });
    else if ("random" in data) random();
    else if ("clear" in data) clear();
    else if (data.share) share(data.share);
    else if (hit.classList.contains("xp-out")) return;
    else if (data.level) go({ depth: data.level, latent: null });
    else if (data.step) step(+data.step);
    else if (!hit.hash) show();
    else {
      const to = new URLSearchParams(hit.hash.slice(1)), inside = !box.contains(hit);
      event.preventDefault();
      // a link of the main part is gone with its latent
      go({ depth: to.get("depth"), latent: to.get("latent") }).then(() => { if (inside) title.focus(); });
    }
  });
  root.addEventListener("input", (event) => {
    if (event.target !== number) go({ find: search.value.trim(), sort: order.value }, true);
  });
  number.addEventListener("change", () => { if (number.value && place) walk(number.value); });

  function random() {
    const others = list.filter((l) => l !== now), to = others[Math.floor(Math.random() * others.length)];
    if (to) walk(to.i);
  }

  function clear() {
    search.value = "";
    go({ find: "", class: "" }).then(() => search.focus());
  }

  const keys = {
    r: [random],
    ArrowLeft: [step, -1], ArrowRight: [step, 1], ArrowUp: [climb, 1], ArrowDown: [climb, -1], "/": [() => search.focus()]
  };
  document.addEventListener("keydown", (event) => {
    const focus = document.activeElement;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (focus === search && event.key === "Escape") {
      event.preventDefault(); // the browser would empty the box and keep the list filtered
      title.focus();
    }
    if (focus === search && event.key === "Enter" && list[0]) walk(list[0].i);
    // arrows scroll as ever while another part of the page has the focus
    if (/^(INPUT|SELECT)$/.test(focus.tagName) || !(root.contains(focus) || focus.contains(root)) || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key][0](keys[event.key][1], event.repeat);
  });
  addEventListener("hashchange", () => {
    // the skip link's target is no state
    if (location.hash && location.hash.indexOf("=") < 0) return;
    read();
    search.value = state.find;
    show();
  });
  // paper shows all of it
  addEventListener("beforeprint", () => { near.disconnect(); each("[data-file], [data-of], [data-map]", (e) => fetched(e, turn)); });
  root.previousElementSibling.hidden = true;
  root.hidden = false;
  one("details").open = innerWidth > 899;
  read();
  head({ title: "Loading" });
  show().then(() => { if (location.hash.indexOf("=") > 0 && !scrollY) title.scrollIntoView(); });
})();
