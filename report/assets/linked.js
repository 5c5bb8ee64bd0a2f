// A depth that is chosen in one chart, or with the buttons below the first one, is marked in all charts of the page that
// are drawn over depth (analysis/figures/chosen_depth.py), and kept from page to page. An address may carry it (?depth=3).
(function () {
  "use strict";
  var KEY = "strata-depth", SIGNAL = "depth_choice", charts = [], buttons = [], chosen = null;
  var depths = Object.create(null); // without what every object inherits: an address may ask for any word

  function part(tag, name, parent) {
    var made = document.createElement(tag);
    made.className = name;
    parent.append(made);
    return made;
  }

  // A browser that denies storage keeps nothing from page to page; all else works.
  function stored(change) {
    try { return change(sessionStorage); } catch (error) { return null; }
  }

  // What is wrong with one chart must not take the choice from all others.
  function alone(element, act) {
    try { act(); } catch (error) { console.error("chart " + element.dataset.chart + ": " + error.message); }
  }

  function mark(chart) {
    if (chart.view) alone(chart.element, function () { chart.view.signal(SIGNAL, chosen).run(); });
    var says = Object.hasOwn(chart.depths, chosen) ? chart.depths[chosen] : "not in this chart";
    chart.reading.hidden = chosen === null || !says;
    chart.reading.textContent = chart.reading.hidden ? "" : "Depth " + chosen + ": " + says + ".";
  }

  function show(depth) {
    chosen = depth;
    buttons.forEach(function (button) { button.setAttribute("aria-pressed", button.depth === depth); });
    charts.forEach(mark);
  }

  function choose(depth) {
    var address = new URL(location.href);
    if (depth === null) address.searchParams.delete("depth"); else address.searchParams.set("depth", depth);
    history.replaceState(history.state, "", address);
    stored(function (store) { if (depth === null) store.removeItem(KEY); else store.setItem(KEY, depth); });
    show(depth);
  }

  // What the address says, else what was chosen on another page; neither need be a depth of this page.
  function arrive() {
    var given = new URL(location.href).searchParams.get("depth");
    if (given in depths) choose(+given);
    else {
      given = stored(function (store) { return store.getItem(KEY); });
      // into the address, too: a link that is passed on shows the same
      if (given in depths) choose(+given); else show(null);
    }
  }

  function button(row, depth, text, label) {
    var made = part("button", "", row);
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-label", label);
    made.depth = depth;
    made.addEventListener("click", function () { choose(depth === chosen ? null : depth); });
    buttons.push(made);
  }

  document.querySelectorAll(".chart").forEach(function (element) {
    alone(element, function () {
      var meta = JSON.parse(element.querySelector(".chart-spec").textContent).usermeta;
      if (!meta || !meta.depths) return;
      if (!Object.keys(Object(meta.depths)).every(function (depth) { return /^\d+$/.test(depth); }))
        throw new Error("the depths of its spec are no depths");
      charts.push({ element: element, depths: meta.depths, view: null });
    });
  });
  // one alone has nothing to be linked to
  if (charts.length < 2) return;
  charts.forEach(function (chart) { Object.assign(depths, chart.depths); });

  // marks of a picture take no focus: the buttons are the way of a keyboard
  var row = part("div", "depth-choice", charts[0].element);
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", "Mark a depth in all charts of this page");
  part("span", "", row).textContent = "Mark depth";
  Object.keys(depths).map(Number).sort(function (a, b) { return a - b; }).forEach(function (depth) {
    button(row, depth, String(depth), "Depth " + depth);
  });
  button(row, null, "all", "All depths");
  charts.forEach(function (chart) { chart.reading = part("p", "depth-reading", chart.element); });

  function of(event) { return charts.find(function (chart) { return chart.element === event.target; }); }

  // a chart comes late, and again in another theme
  document.addEventListener("strata:live", function (event) {
    var chart = of(event);
    if (!chart) return;
    chart.view = event.detail;
    mark(chart);
  });
  document.addEventListener("strata:pick", function (event) {
    var picked = event.detail.depth;
    if (!of(event) || !(picked in depths)) return;
    // a cell chooses a class, too: another one of the same depth must not clear it
    choose(picked === chosen && !("class" in event.detail) ? null : picked);
  });
  document.addEventListener("keydown", function (event) {
    var busy = event.defaultPrevented || event.target.closest("input, dialog");
    if (event.key === "Escape" && chosen !== null && !busy) choose(null);
  });
  // a page that Back brings whole from memory may have been overtaken
  addEventListener("pageshow", function (event) { if (event.persisted) arrive(); });
  arrive();
})();
