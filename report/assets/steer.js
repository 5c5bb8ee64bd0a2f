// A slider over the strength of a push: nine digits, ten classes, a latent beside a random direction. All of it was computed
// in the build (report/figures/steering_slider.py); without this there is a picture of three strengths.
(function () {
  "use strict";

  function part(tag, name, parent, text) {
    var made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  }

  function first(chances) { return chances.indexOf(Math.max.apply(null, chances)); }
  function percent(chance) { return Math.round(chance / 10) + "%"; }

  function build(root, data) {
    var live = part("div", "steer-live"), chosen = 0, target = data.classes[data.target];

    // the strength
    var way = part("div", "steer-way", live), label = part("label", "", way, "Strength");
    var input = part("input", "", way), shown = part("output", "", way);
    input.type = "range";
    input.min = 0;
    input.max = data.strengths.length - 1;
    input.step = 1;
    input.value = 0;
    input.id = label.htmlFor = "steer-strength";
    shown.htmlFor = input.id;
    // how far the latent goes by itself
    var own = part("span", "", part("div", "steer-own", way), "the latent\u2019s own strength");
    own.style.left = 100 * data.own / data.strengths[data.strengths.length - 1] + "%";
    var says = part("p", "steer-says", live);
    says.setAttribute("aria-live", "polite");

    // the digits, and what each of them is read as
    var table = part("table", "", live), head = part("tr", "", part("thead", "", table)), body = part("tbody", "", table);
    part("td", "", head, "Press a digit");
    var buttons = data.labels.map(function (digit, at) {
      var cell = part("th", "", head), button = part("button", "", cell), image = part("img", "", button);
      cell.scope = "col";
      button.type = "button";
      image.src = data.images[at];
      image.alt = "a " + data.classes[digit];
      image.width = image.height = 28;
      button.addEventListener("click", function () { chosen = at; show(); });
      return button;
    });
    var rows = data.along.map(function (along) {
      var row = part("tr", along.name, body);
      part("th", "", row, along.says).scope = "row";
      return data.labels.map(function () { return part("td", "", row); });
    });

    // ten bars, twice
    var panels = data.along.map(function (along) {
      var panel = part("div", along.name, null), title = part("p", "", panel), bars = part("div", "steer-bars", panel);
      bars.setAttribute("role", "img");
      return {
        panel: panel, title: title, bars: bars, each: data.classes.map(function (name, at) {
          var one = part("span", "", bars), bar = part("i", at === data.target ? "target" : "", one);
          part("em", "", one, name).style.fontStyle = "normal";
          return { holder: one, bar: bar };
        })
      };
    });
    var both = part("div", "steer-panels", live);
    panels.forEach(function (panel) { both.append(panel.panel); });

    function show() {
      var step = +input.value, strength = data.strengths[step].toFixed(2), counts = [];
      shown.textContent = strength;
      data.along.forEach(function (along, which) {
        var count = 0;
        data.labels.forEach(function (digit, at) {
          var answer = first(along.chances[at][step]), cell = rows[which][at];
          // a sign as well as a colour: what has become the target stands on a ground, another mistake is underlined
          cell.replaceChildren(part(answer === data.target ? "b" : answer === digit ? "span" : "s", "", null, data.classes[answer]));
          count += answer === data.target;
        });
        counts.push(count);
        var chances = along.chances[chosen][step], panel = panels[which], best = first(chances);
        panel.title.textContent = along.says[0].toUpperCase() + along.says.slice(1) + " the " + data.classes[data.labels[chosen]] + " is read as " + data.classes[best] + " (" + percent(chances[best]) + ")";
        panel.bars.setAttribute("aria-label", data.classes.map(function (name, at) { return name + " " + percent(chances[at]); }).join(", "));
        panel.each.forEach(function (one, at) {
          one.bar.style.height = chances[at] / 10 + "%";
          one.bar.dataset.chance = chances[at];
          one.holder.classList.toggle("first", at === best);
        });
      });
      buttons.forEach(function (button, at) { button.setAttribute("aria-pressed", at === chosen); });
      input.setAttribute("aria-valuetext", strength + " of the length of a state");
      says.textContent = step
        ? "Read as " + target + ": " + counts[0] + " of " + data.labels.length + " digits " + data.along[0].says + ", " + counts[1] + " " + data.along[1].says + "."
        : "Nothing is pushed yet, and all " + data.labels.length + " are read correctly. Drag the slider.";
    }

    input.addEventListener("input", show);
    show();
    root.append(live);
    root.classList.add("live");
  }

  document.querySelectorAll(".steer").forEach(function (root) {
    try {
      build(root, JSON.parse(root.querySelector(".steer-data").textContent));
    } catch (error) {
      console.error("the steering slider: " + error.message); // its picture stays
    }
  });
})();
