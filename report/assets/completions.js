// A slider over how strongly a latent is held, and what the model then writes (analysis/figures/kinds/completions.py).
// Everything was written beforehand; without this there is a table of some strengths.
(function () {
  "use strict";

  function part(tag, name, parent, text) {
    var made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  // Words that begin with one of these, whatever the case, as analysis/results/steerings.py finds them.
  function beginning(words) {
    var own = words.map(function (word) { return word.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"); });
    return own.length ? new RegExp("(?<![\\p{L}\\p{N}_])(?:" + own.join("|") + ")[\\p{L}\\p{N}_]*", "giu") : null;
  }

  function build(root, data, number) {
    data.latents.forEach(function (one) { one.pattern = beginning(one.words); });
    var live = part("div", "texts-live"), latent = 0, prompt = 0, middle = Math.floor((data.strengths.length - 1) / 2);

    function choices(label, count, name, choose) {
      var box = part("div", "texts-choices", live), made = [];
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", label);
      part("span", "", box, label + ":");
      for (var at = 0; at < count; at++) {
        var button = part("button", "", box, name(at));
        button.type = "button";
        button.addEventListener("click", choose.bind(null, at));
        made.push(button);
      }
      return { box: box, buttons: made };
    }
    var latents = choices("Latent", data.latents.length, function (at) { return data.latents[at].name; }, function (at) { latent = at; prompt = 0; prompts(); show(); });
    var asked = part("div", "", live), chosen = null;
    function prompts() {
      asked.replaceChildren();
      chosen = choices("Beginning", data.latents[latent].prompts.length, function (at) { return data.latents[latent].prompts[at].prompt.trim(); }, function (at) { prompt = at; show(); });
      asked.append(chosen.box);
    }

    var way = part("div", "texts-way", live), label = part("label", "", way, "Held at"), input = part("input", "", way), shown = part("output", "", way);
    Object.assign(input, { type: "range", min: 0, max: data.strengths.length, step: 1, value: middle + 1, id: "texts-strength-" + number });
    label.htmlFor = shown.htmlFor = input.id;
    var columns = part("div", "texts-columns", live);
    var panels = [["as_it_is", "As it is"], ["latent", "Along the latent"], ["random", "Along a random direction"]].map(function (one) {
      var panel = part("section", "texts-" + one[0], columns);
      return { way: one[0], title: one[1], head: part("p", "texts-head", panel), text: part("p", "texts-text", panel) };
    });
    var says = part("p", "texts-says", live);
    says.setAttribute("aria-live", "polite");

    // The latent's words are marked, as in the table.
    function marked(target, text, pattern) {
      var at = 0, match;
      target.replaceChildren();
      while (pattern && (match = pattern.exec(text))) {
        target.append(text.slice(at, match.index));
        part("mark", "", target, match[0]);
        at = match.index + match[0].length;
      }
      target.append(text.slice(at));
    }

    function show() {
      var one = data.latents[latent], texts = one.prompts[prompt], at = +input.value - 1;
      var held = at < 0 ? "as it is" : data.strengths[at] + " times its own strength";
      shown.textContent = at < 0 ? "as it is" : data.strengths[at] + " ×";
      input.setAttribute("aria-valuetext", held);
      panels.forEach(function (panel) {
        var nats = panel.way === "as_it_is" || at < 0 ? null : one.effects[panel.way][at];
        panel.head.textContent = panel.title + (nats === null ? "" : ", " + nats.toFixed(2) + " nats");
        marked(panel.text, panel.way === "as_it_is" || at < 0 ? texts.as_it_is : texts[panel.way][at], one.pattern);
      });
      says.textContent = at < 0 ? "Nothing is pushed: all three are the same." :
        "With " + (/^“|^latent /.test(one.name) ? one.name : "“" + one.name + "”") + " held at " + held + " the next token's distribution moves by " + one.effects.latent[at].toFixed(2) + " nats, along a random direction as far by " + one.effects.random[at].toFixed(2) + ".";
      latents.buttons.forEach(function (button, place) { button.setAttribute("aria-pressed", place === latent); });
      chosen.buttons.forEach(function (button, place) { button.setAttribute("aria-pressed", place === prompt); });
    }

    input.addEventListener("input", show);
    prompts();
    show();
    root.prepend(live);
    root.classList.add("live");
  }

  document.querySelectorAll(".completions").forEach(function (root, number) {
    try {
      build(root, JSON.parse(root.querySelector(".texts-data").textContent), number);
    } catch (error) {
      console.error("the slider over continuations: " + error.message); // its table stays
    }
  });
})();
