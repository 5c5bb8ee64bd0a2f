// The neuron table: sort by a column, filter by depth and class; the state stands in the URL. Complete without this.
(function () {
  "use strict";
  var root = document.querySelector(".neurons");
  if (!root) return;
  var body = root.querySelector("tbody"), rows = Array.from(body.rows);
  var heads = Array.from(root.querySelectorAll("th[data-key]"));
  var count = root.querySelector(".neuron-count");
  var chips = Array.from(root.querySelectorAll(".neuron-filters button"));
  var state = new URLSearchParams(location.hash.indexOf("=") > 0 ? location.hash.slice(1) : "");

  function list(name) { return (state.get(name) || "").split(",").filter(Boolean); }

  function value(row, column) {
    var cell = row.cells[column], text = cell.dataset.value || cell.textContent;
    return isNaN(parseFloat(text)) ? text : parseFloat(text);
  }

  function show() {
    var depths = list("depth"), classes = list("class"), shown = 0;
    rows.forEach(function (row) {
      row.hidden = (depths.length && depths.indexOf(row.dataset.depth) < 0) ||
        (classes.length && classes.indexOf(row.dataset["class"]) < 0);
      if (!row.hidden) shown += 1;
    });
    chips.forEach(function (chip) {
      var on = chip.dataset.depth !== undefined ? depths.indexOf(chip.dataset.depth) >= 0
        : classes.indexOf(chip.dataset["class"]) >= 0;
      chip.setAttribute("aria-pressed", String(on));
    });
    var key = (state.get("sort") || "-f1").replace("-", ""), down = (state.get("sort") || "-f1")[0] === "-";
    heads.forEach(function (head) {
      head.setAttribute("aria-sort", head.dataset.key !== key ? "none" : down ? "descending" : "ascending");
      if (head.dataset.key === key) {
        rows.sort(function (a, b) {
          var x = value(a, head.cellIndex), y = value(b, head.cellIndex);
          return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
        });
      }
    });
    body.append.apply(body, rows);
    count.textContent = shown ? shown + " of " + rows.length + " latents" : "No latent fits these filters.";
  }

  function keep() {
    var text = state.toString();
    history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
    show();
  }

  chips.forEach(function (chip) {
    chip.addEventListener("click", function () {
      var name = chip.dataset.depth !== undefined ? "depth" : "class", one = chip.dataset[name];
      var chosen = list(name), at = chosen.indexOf(one);
      if (at < 0) chosen.push(one); else chosen.splice(at, 1);
      if (chosen.length) state.set(name, chosen.join(",")); else state["delete"](name);
      keep();
    });
  });
  heads.forEach(function (head) {
    head.querySelector("button").addEventListener("click", function () {
      var key = head.dataset.key, now = state.get("sort") || "-f1";
      state.set("sort", now === "-" + key ? key : "-" + key);
      keep();
    });
  });
  root.classList.add("live");
  show();
})();
