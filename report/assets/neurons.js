// Tables of latents: sort, filter, all columns, deep links (#d3-412). State in URL. Works without. A page carries the best
// rows of each depth; those of a depth that is asked for are fetched (analysis/pages/latent_rows.py).
(() => {
  const from = document.currentScript.src.replace(/[^/]*$/, "generated/explorer/"), USUAL = "/report/explorer.qmd#";

  document.querySelectorAll(".neurons").forEach((root) => {
    const all = (what) => [...root.querySelectorAll(what)];
    const rows = all("tbody tr"), heads = all("th[data-key]"), chips = all("button[name]"), [wide] = all(".all-columns");
    const [body] = all("tbody"), [count] = all(".neuron-count"), seen = new Set(rows.map(({ id }) => id)), asked = {};
    const there = new Map((root.dataset.counts || "").split(" ").filter(Boolean).map((one) => one.split(":")));
    const [first] = all("th a"), explorer = first && first.getAttribute("href").split("#")[0].replace(/^\.\//, "");
    let state, lost = "";
    there.forEach((number, depth) => { asked[depth] = rows.filter((row) => row.dataset.depth === depth).length === +number; });
    const sorted = () => state.get("sort") || "-f1";
    const on = (name, one) => state.getAll(name).includes(one);

    function show() {
      const down = sorted()[0] === "-";
      rows.forEach((row) => {
        row.hidden = ["depth", "class"].some((name) => state.has(name) && !on(name, row.dataset[name]));
      });
      chips.forEach((chip) => chip.setAttribute("aria-pressed", on(chip.name, chip.value)));
      if (wide) wide.setAttribute("aria-pressed", root.classList.toggle("wide", state.has("wide")));
      heads.forEach((head) => {
        const here = head.dataset.key === sorted().replace("-", ""), at = head.cellIndex;
        head.setAttribute("aria-sort", here ? (down ? "descending" : "ascending") : "none");
        if (here) rows.sort((...pair) => {
          const [a, b] = pair.map((row) => row.cells[at].dataset.value ?? row.cells[at].textContent);
          // gaps last
          return (a === "–") - (b === "–") || (a - b || a.localeCompare(b, "en", { numeric: true })) * (down ? -1 : 1);
        });
      });
      body.append(...rows);
      tell();
    }

    // Which rows are here, and what is done about the others.
    function tell() {
      const chosen = state.getAll("depth"), depths = [...there.keys()].filter((one) => !chosen.length || chosen.includes(one));
      const missing = depths.filter((one) => asked[one] !== true);
      const shown = all("tbody tr:not([hidden])").length, pass = all("tbody tr[data-passes]:not([hidden])").length;
      const whole = depths.reduce((sum, one) => sum + +there.get(one), 0);
      const of = !there.size ? ` of ${rows.length} rows` : missing.length ? " of the best rows" : ` of ${whole} that fire`;
      count.textContent = `${shown}${of}${body.querySelector("[data-passes]") ? `, ${pass} pass` : ""}. ${lost}`;
      if (!missing.length || lost) return;
      if (chosen.length || state.has("all")) Promise.all(missing.map(load)).then(show, () => {
        lost = "The others could not be loaded: the page was opened from a disk, or the connection failed.";
        tell();
      });
      else {
        const more = Object.assign(document.createElement("button"), { type: "button", textContent: `Show all ${whole}` });
        more.addEventListener("click", () => set("all", [1]));
        count.append(more);
      }
    }

    const load = (depth) => asked[depth] = asked[depth] ||
      fetch(`${from}${root.dataset.rows}/rows-${depth}.json`).then((answer) => answer.ok ? answer.json() : Promise.reject()).then((found) => {
        const made = document.createElement("template");
        made.innerHTML = found.join("");
        [...made.content.children].filter((row) => !seen.has(row.id)).forEach((row) => {
          row.querySelectorAll("a").forEach((link) => {
            if (explorer) link.setAttribute("href", link.getAttribute("href").replace(USUAL, explorer + "#"));
            else link.replaceWith(...link.childNodes);
          });
          seen.add(row.id);
          rows.push(row);
        });
        asked[depth] = true;
      }).catch((error) => { delete asked[depth]; throw error; });

    function set(name, values) {
      state.delete(name);
      values.forEach((value) => state.append(name, value));
      lost = "";
      history.replaceState(null, "", "#" + state);
      show();
    }

    function read() {
      const hash = location.hash.slice(1), [, depth, latent] = /^d(\d+)-(\d+)$/.exec(hash) || [];
      state = new URLSearchParams(hash.includes("=") ? hash : "");
      show();
      if (!latent) return;
      const find = () => {
        const row = rows.find(({ id }) => id === hash);
        (row || root).scrollIntoView({ block: row ? "center" : "start" });
        if (row) row.classList.add("sought");
        else count.innerHTML = `d${depth}/${latent} is no row here` +
          (first ? `: <a href="${explorer}#depth=${depth}&latent=${latent}${root.dataset.set || ""}">see the explorer</a>` : "");
      };
      if (seen.has(hash) || !there.has(depth)) find(); else load(depth).then(() => { show(); find(); }, find);
    }

    chips.forEach((chip) => chip.addEventListener("click", () => {
      const rest = state.getAll(chip.name).filter((one) => one !== chip.value);
      set(chip.name, on(chip.name, chip.value) ? rest : [...rest, chip.value]);
    }));
    if (wide) wide.addEventListener("click", () => set("wide", state.has("wide") ? [] : [1]));
    heads.forEach((head) => head.firstChild.addEventListener("click", () => {
      const { key, up } = head.dataset, ways = up === undefined ? ["-" + key, key] : [key, "-" + key];
      set("sort", [ways[+(sorted() === ways[0])]]);
    }));
    document.addEventListener("strata:pick", ({ detail }) => {
      if (!("class" in detail && "depth" in detail)) return;
      set("depth", [detail.depth]);
      set("class", [detail.class]);
      root.scrollIntoView();
    });
    addEventListener("hashchange", read);
    root.classList.add("live");
    read();
  });
})();
