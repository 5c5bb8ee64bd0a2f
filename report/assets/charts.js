// Charts: each page shows SVG pictures; near the viewport a picture is replaced by the live chart.
// The runtime is loaded once, and only on pages with charts. On a change of theme charts are drawn again.
(function () {
  "use strict";
  var holders = [], runtime = null;
  var light = ROLES();

  // The light palette is also the set of names by which a spec refers to theme colours (analysis/style.py).
  function ROLES() {
    return {
      "#1b1f24": "--ink", "#57606a": "--muted", "#d0d7de": "--line", "#fffffe": "--paper", "#0072b2": "--c1",
      "#b84e00": "--c2", "#00785a": "--c3", "#9b4d7c": "--c4", "#6e7074": "--c5", "#8a6a00": "--c6"
    };
  }

  function themed(text) {
    var style = getComputedStyle(document.body);
    Object.keys(light).forEach(function (colour) {
      var value = style.getPropertyValue(light[colour]).trim();
      if (!value) throw new Error("theme.css does not define " + light[colour]);
      text = text.split(colour).join(value);
    });
    return JSON.parse(text);
  }

  function load() {
    if (runtime) return runtime;
    runtime = new Promise(function (done, fail) {
      var offset = document.querySelector('meta[name="quarto:offset"]');
      var script = document.createElement("script");
      script.src = (offset ? offset.content : "./") + "report/assets/generated/vega.js";
      script.onload = function () { done(window.strataEmbed); };
      script.onerror = function () { fail(new Error("cannot load " + script.src)); };
      document.head.appendChild(script);
    });
    return runtime;
  }

  function draw(holder) {
    return load().then(function (embed) {
      var stage = document.createElement("div");
      return embed(stage, themed(holder.spec), { actions: false, renderer: "svg", tooltip: true }).then(function (made) {
        if (holder.made) holder.made.finalize();
        holder.made = made;
        var svg = stage.querySelector("svg");
        // the picture's box: the live chart must not move the text around it
        svg.removeAttribute("width");
        svg.removeAttribute("height");
        svg.setAttribute("role", "img");
        svg.setAttribute("aria-label", holder.label);
        holder.view.replaceChildren(stage);
        holder.element.dataset.live = "true";
        // a pressed mark is told to the page: the map of classes chooses rows of the table so
        made.view.addEventListener("click", function (event, item) {
          if (item && item.datum) {
            holder.element.dispatchEvent(new CustomEvent("strata:pick", { bubbles: true, detail: item.datum }));
          }
        });
      });
    }).catch(function (error) {
      // the picture stays; the console says why
      console.error("chart " + holder.element.dataset.chart + ": " + error.message);
    });
  }

  function redraw() { holders.filter(function (h) { return h.made; }).forEach(draw); }

  document.querySelectorAll(".chart").forEach(function (element) {
    var view = element.querySelector(".chart-view");
    var picture = view.querySelector("svg");
    holders.push({
      element: element, view: view, label: picture ? picture.getAttribute("aria-label") : "",
      spec: element.querySelector(".chart-spec").textContent
    });
  });
  if (!holders.length) return;
  var watch = new IntersectionObserver(function (seen) {
    seen.forEach(function (entry) {
      if (!entry.isIntersecting) return;
      watch.unobserve(entry.target);
      draw(holders.find(function (h) { return h.element === entry.target; }));
    });
  }, { rootMargin: "300px" });
  holders.forEach(function (holder) { watch.observe(holder.element); });

  var theme = document.body.className;
  new MutationObserver(function () {
    if (document.body.className !== theme) { theme = document.body.className; redraw(); }
  }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
