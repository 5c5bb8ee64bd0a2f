// Charts: each page shows SVG pictures; near the viewport a picture is replaced by the live chart.
// The runtime is loaded once, and only on pages with charts. On a change of theme charts are drawn again.
(function () {
  "use strict";
  // A picture that is shown smaller than this has words below 11 px. A browser's letters are wider than the picture's.
  var SMALLEST = 0.85, WIDER = 1.06, NARROWEST = 130;
  // where the site begins, in every folder, under any path: Quarto says it only where its own search is on
  var root = new URL("../../", document.currentScript.src).href;
  var holders = [], runtime = null;
  var light = ROLES();

  // The light palette is also the set of names by which a spec refers to theme colours (analysis/figures/style.py).
  function ROLES() {
    return {
      "#1b1f24": "--ink", "#57606a": "--muted", "#d0d7de": "--line", "#fffffe": "--paper", "#0072b2": "--c1",
      "#b84e00": "--c2", "#00785a": "--c3", "#9b4d7c": "--c4", "#6e7074": "--c5", "#8a6a00": "--c6"
    };
  }

  // Where a colour's name is no colour: in data, and where a text of the chart stands. Expressions hold colours in quotes.
  var DATA = /^(datasets|values|usermeta)$/, EXPRESSION = /^(expr|signal|calculate|test)$/;
  var WORDS = /^(domain|datum|sort|equal|oneOf|text|title|subtitle|description|field)$/;

  function themed(text) {
    var style = getComputedStyle(document.body), now = {};
    Object.keys(light).forEach(function (colour) {
      now[colour] = style.getPropertyValue(light[colour]).trim();
      if (!now[colour]) throw new Error("theme.css does not define " + light[colour]);
    });
    function coloured(part, key) {
      if (typeof part === "string") {
        if (WORDS.test(key)) return part;
        if (!EXPRESSION.test(key)) return Object.hasOwn(now, part) ? now[part] : part;
        return Object.keys(now).reduce(function (told, colour) { return told.split(colour).join(now[colour]); }, part);
      }
      if (Array.isArray(part)) return part.map(function (one) { return coloured(one, key); });
      if (part) Object.keys(Object(part)).forEach(function (name) {
        if (!DATA.test(name)) part[name] = coloured(part[name], name);
      });
      return part;
    }
    return coloured(JSON.parse(text), "");
  }

  function load() {
    if (runtime) return runtime;
    runtime = new Promise(function (done, fail) {
      var script = document.createElement("script");
      script.src = root + "report/assets/generated/vega.js";
      script.onload = function () { done(window.strataEmbed); };
      script.onerror = function () {
        runtime = null; // a lost connection may come back
        fail(new Error("cannot load " + script.src));
      };
      document.head.appendChild(script);
    });
    return runtime;
  }

  // How much too wide a chart is for its words. Its plot is drawn narrower by that, at full height, in a box which is kept
  // free for it before it comes.
  function reserve(holder) {
    var room = holder.view.clientWidth;
    holder.excess = room ? Math.max(0, WIDER * holder.box.width - room / SMALLEST) : 0;
    holder.view.style.minHeight = holder.excess ? SMALLEST * holder.box.height + "px" : "";
  }

  function narrowed(spec, excess) {
    [spec, spec.spec].concat(spec.vconcat).forEach(function (part) {
      if (part && part.width) part.width = Math.min(part.width, Math.max(NARROWEST, part.width - excess));
    });
    return spec;
  }

  // How Vega finds what a chart names. An address such as `/report/methods.qmd` is one of the site, whichever page shows
  // the chart; data are never fetched. What is no address of a page or picture, such as a script, is refused.
  var loader = {
    load: function (address) { return Promise.reject(new Error("a chart fetches no data: " + address)); },
    sanitize: function (address) {
      var ours = /^\/(?!\/)/.test(address);
      var there = ours ? root + address.slice(1).replace(/\.qmd(?=[?#]|$)/, ".html") : address;
      var scheme = new URL(there, location.href).protocol;
      if (!/^(https?|mailto|data):$/.test(scheme) && scheme !== location.protocol)
        return Promise.reject(new Error("a chart leads to no such place: " + address));
      return Promise.resolve({ href: there });
    }
  };

  function tell(holder, what, detail) {
    holder.element.dispatchEvent(new CustomEvent(what, { bubbles: true, detail: detail }));
  }

  function draw(holder) {
    return load().then(function (embed) {
      var stage = document.createElement("div");
      // ast: expressions are interpreted, not compiled, as the page's policy forbids eval
      var options = { actions: false, renderer: "svg", tooltip: true, ast: true, loader: loader };
      reserve(holder);
      return embed(stage, narrowed(themed(holder.spec), holder.excess), options).then(function (made) {
        if (holder.made) holder.made.finalize();
        holder.made = made;
        var svg = stage.querySelector("svg");
        // the picture's box: the live chart must not move the text around it
        svg.removeAttribute("width");
        svg.removeAttribute("height");
        svg.style.height = holder.view.style.minHeight;
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", holder.label);
        // the picture is what is printed: its colours are those of the paper, whatever the theme of the screen
        holder.picture.classList.add("on-paper");
        holder.view.replaceChildren(stage, holder.picture);
        holder.element.dataset.live = "true";
        // a pressed mark is told to the page: the map of classes chooses rows of the table so. A line or an area is one
        // mark, whose datum is that of its first point only
        made.view.addEventListener("click", function (event, item) {
          if (item && item.datum && !/^(line|area)$/.test(item.mark.marktype)) tell(holder, "strata:pick", item.datum);
        });
        tell(holder, "strata:live", made.view);
      });
    }).catch(function (error) { complain(holder.element, error); });
  }

  // What is wrong with one chart harms only that one: its picture stays, and the console says why.
  function complain(element, error) { console.error("chart " + element.dataset.chart + ": " + error.message); }

  function redraw() { holders.filter(function (h) { return h.made; }).forEach(draw); }

  document.querySelectorAll(".chart").forEach(function (element) {
    var view = element.querySelector(".chart-view"), spec = element.querySelector(".chart-spec");
    var picture = view && view.querySelector("svg");
    if (picture && spec) holders.push({
      element: element, view: view, picture: picture, label: picture.getAttribute("aria-label"), box: picture.viewBox.baseVal,
      spec: spec.textContent
    }); else complain(element, new Error("its picture or its spec is missing"));
  });
  if (!holders.length || !window.IntersectionObserver) return; // the pictures stay
  var watch = new IntersectionObserver(function (seen) {
    seen.forEach(function (entry) {
      if (!entry.isIntersecting) return;
      watch.unobserve(entry.target);
      draw(holders.find(function (h) { return h.element === entry.target; }));
    });
  }, { rootMargin: "300px" });
  holders.forEach(function (holder) { reserve(holder); watch.observe(holder.element); });

  var theme = document.body.className;
  new MutationObserver(function () {
    if (document.body.className !== theme) { theme = document.body.className; redraw(); }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

  // a phone that is turned; one that hides its address bar is as wide as before
  var across = innerWidth, timer = 0;
  addEventListener("resize", function () {
    clearTimeout(timer);
    timer = setTimeout(function () {
      if (innerWidth === across) return;
      across = innerWidth;
      holders.filter(function (holder) {
        var before = holder.excess;
        reserve(holder);
        return holder.made && holder.excess !== before;
      }).forEach(draw);
    }, 200);
  });
})();
