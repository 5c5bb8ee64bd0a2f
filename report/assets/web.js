// A slider over the lines of a web of features (analysis/figures/kinds/feature_web.py), and what a latent is when it is
// pointed at or has the focus. Without this the picture shows what is stronger than random lines.
(function () {
  "use strict";

  function part(tag, name, parent, text) {
    var made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }
  function all(root, what) { return Array.from(root.querySelectorAll(what)); }
  function count(number, what) { return number + " " + what + (number === 1 ? "" : "s"); }

  function build(root, data, number) {
    var by = root.dataset.by, live = part("div", "web-live"), strengths = Object.keys(data.by);
    var kinds = part("div", "web-kinds", live), buttons = {};
    kinds.setAttribute("role", "group");
    kinds.setAttribute("aria-label", "What lines are");
    strengths.forEach(function (name) {
      var button = buttons[name] = part("button", "", kinds, data.by[name].says);
      button.type = "button";
      button.addEventListener("click", function () { by = name; start(); });
    });
    var way = part("div", "web-way", live), label = part("label", "", way, "at least"), input = part("input", "", way), shown = part("output", "", way);
    Object.assign(input, { type: "range", min: 0, max: 100, step: 1, id: "web-least-" + number });
    label.htmlFor = shown.htmlFor = input.id;
    var mark = part("span", "", part("div", "web-null", way));
    var says = part("p", "web-says", live), told = part("p", "web-told", live);
    says.setAttribute("aria-live", "polite");
    told.setAttribute("aria-live", "polite");

    var pictures = all(root, "svg").map(function (svg) {
      var nodes = {}, edges = all(svg, ".web-edge").map(function (line) {
        return { line: line, from: +line.dataset.from, to: +line.dataset.to, cosine: +line.dataset.cosine, coactivation: +line.dataset.coactivation };
      });
      all(svg, ".web-node").forEach(function (node) { nodes[node.dataset.node] = node; });
      return { svg: svg, nodes: nodes, edges: edges };
    });
    var first = pictures[0], chosen = null, least = 0;

    function there(edge) { return edge[by] > least; }
    // What lines lead to from a latent, upwards or downwards, all the way.
    function reached(at, from, to) {
      var found = new Set(), next = [at];
      while (next.length) {
        var one = next.pop();
        first.edges.forEach(function (edge) {
          if (edge[from] === one && there(edge) && !found.has(edge[to])) { found.add(edge[to]); next.push(edge[to]); }
        });
      }
      return found;
    }
    // As it is called, without what it is on for.
    function name(at) { return data.nodes[at][1].split("\u201d")[0] + "\u201d"; }
    function strongest(at, from, to) {
      return first.edges.filter(function (edge) { return edge[from] === at && there(edge); })
        .sort(function (a, b) { return b[by] - a[by]; })
        .map(function (edge) { return name(edge[to]) + " (" + edge[by].toFixed(2) + ")"; });
    }

    function show() {
      var kin = chosen === null ? null : new Set([chosen, ...reached(chosen, "from", "to"), ...reached(chosen, "to", "from")]);
      pictures.forEach(function (picture) {
        var joined = new Set();
        picture.edges.forEach(function (edge) {
          var seen = there(edge), near = kin && kin.has(edge.from) && kin.has(edge.to);
          if (seen) { joined.add(edge.from); joined.add(edge.to); }
          edge.line.setAttribute("visibility", seen ? "visible" : "hidden");
          edge.line.setAttribute("stroke-width", .6 + 2.6 * Math.max(edge[by], 0));
          edge.line.setAttribute("stroke-opacity", !kin ? .65 : near ? 1 : .12);
        });
        Object.keys(picture.nodes).forEach(function (at) {
          picture.nodes[at].setAttribute("opacity", kin ? (kin.has(+at) ? 1 : .35) : joined.has(+at) ? 1 : .5);
          picture.nodes[at].classList.toggle("chosen", +at === chosen);
        });
      });
      if (chosen === null) { told.textContent = "Point at a latent, or go to one with the arrow keys."; return; }
      var up = strongest(chosen, "to", "from"), down = strongest(chosen, "from", "to");
      told.textContent = data.nodes[chosen][1] + ". " + (up.length ? "From " + up.join(", ") + ". " : "") + (down.length ? "Goes on as " + down.join(", ") + "." : "");
    }

    function move() {
      var lines = first.edges.filter(there), own = data.by[by], parts = [];
      shown.textContent = least.toFixed(2);
      input.setAttribute("aria-valuetext", least.toFixed(2) + (least >= own.value ? ", stronger than " : ", weaker than ") + Math.round(100 * own.quantile) + "% of random lines");
      data.sizes.slice(1).forEach(function (size, at) {
        var of = Object.keys(first.nodes).filter(function (node) { return data.nodes[node][0] === at + 1; });
        var joined = of.filter(function (node) { return lines.some(function (edge) { return edge.to === +node; }); });
        parts.push(joined.length + " of " + of.length + " latents of " + size);
      });
      says.textContent = count(lines.length, "line") + " of " + first.edges.length + "; a line leads to " + parts.join(", ") + ".";
      show();
    }

    function start() {
      var own = data.by[by];
      strengths.forEach(function (one) { buttons[one].setAttribute("aria-pressed", one === by); });
      least = own.value;
      input.value = Math.round(100 * least);
      mark.style.left = Math.min(100, 100 * least) + "%";
      mark.textContent = Math.round(100 * own.quantile) + "% of random lines";
      mark.classList.toggle("left", least > .5);
      move();
    }

    // One stop for the keyboard, arrows from there: up and down in a column, left and right along the strongest line.
    function go(picture, at, key) {
      var own = picture.nodes[at].querySelector("circle"), x = own.cx.baseVal.value, y = own.cy.baseVal.value, to = null;
      if (key === "ArrowUp" || key === "ArrowDown") {
        var sign = key === "ArrowDown" ? 1 : -1, near = Infinity;
        Object.keys(picture.nodes).forEach(function (other) {
          var circle = picture.nodes[other].querySelector("circle"), way = sign * (circle.cy.baseVal.value - y);
          if (circle.cx.baseVal.value === x && way > 0 && way < near) { near = way; to = other; }
        });
      } else {
        var from = key === "ArrowRight" ? "from" : "to", end = key === "ArrowRight" ? "to" : "from", most = -2;
        picture.edges.forEach(function (edge) {
          if (edge[from] === +at && there(edge) && edge[by] > most) { most = edge[by]; to = edge[end]; }
        });
      }
      if (to === null) return;
      picture.nodes[at].setAttribute("tabindex", "-1");
      picture.nodes[to].setAttribute("tabindex", "0");
      picture.nodes[to].focus();
    }

    pictures.forEach(function (picture) {
      Object.keys(picture.nodes).forEach(function (at, place) {
        var node = picture.nodes[at], title = node.querySelector("title");
        node.setAttribute("tabindex", place ? "-1" : "0");
        node.setAttribute("role", "img");
        node.setAttribute("aria-label", title.textContent);
        title.remove(); // its words stand below the slider
        node.addEventListener("pointerenter", function () { chosen = +at; show(); });
        node.addEventListener("focus", function () { chosen = +at; show(); });
        node.addEventListener("blur", function () { chosen = null; show(); });
        node.addEventListener("pointerleave", function () { chosen = null; show(); });
        node.addEventListener("keydown", function (event) {
          if (event.key.startsWith("Arrow")) { event.preventDefault(); go(picture, at, event.key); }
        });
      });
    });
    input.addEventListener("input", function () { least = +input.value / 100; move(); });
    root.prepend(live);
    root.classList.add("live");
    start();
  }

  document.querySelectorAll(".web").forEach(function (root, number) {
    try {
      build(root, JSON.parse(root.querySelector(".web-data").textContent), number);
    } catch (error) {
      console.error("the web of features: " + error.message); // its picture stays
    }
  });
})();
