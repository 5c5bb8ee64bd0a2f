// Tables of latents: sort, filter, deep links (#d3-412). State in URL. Works without.
document.querySelectorAll(".neurons").forEach((root) => {
  const all = (what) => [...root.querySelectorAll(what)];
  const rows = all("tbody tr"), heads = all("th[data-key]"), chips = all("button[name]");
  const [body] = all("tbody"), [count] = all(".neuron-count");
  let state;
  const sorted = () => state.get("sort") || "-f1";
  const on = (name, one) => state.getAll(name).includes(one);

  function show() {
    const down = sorted()[0] === "-";
    rows.forEach((row) => {
      row.hidden = ["depth", "class"].some((name) => state.has(name) && !on(name, row.dataset[name]));
    });
    chips.forEach((chip) => chip.setAttribute("aria-pressed", on(chip.name, chip.value)));
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
    count.textContent = `${all("tbody tr:not([hidden])").length} of ${rows.length} rows. `;
    state.getAll("depth").forEach((depth) => {
      if (+depth < root.dataset.pages) count.innerHTML += `<a href="neurons-${depth}.html#${state}">More of depth ${depth}</a> `;
    });
  }

  function set(name, values) {
    state.delete(name);
    values.forEach((value) => state.append(name, value));
    history.replaceState(null, "", "#" + state);
    show();
  }

  function read() {
    const hash = location.hash.slice(1), [, depth, latent] = /^d(\d+)-(\d+)$/.exec(hash) || [];
    state = new URLSearchParams(hash.includes("=") ? hash : "");
    show();
    if (!latent) return;
    const row = rows.find(({ id }) => id === hash);
    (row || root).scrollIntoView({ block: row ? "center" : "start" });
    const to = all("th a")[0]?.getAttribute("href").replace(/^(?:\.\/)?(.*?=)\d+(.*?=)\d+/, `$1${depth}$2${latent}`);
    if (!row) count.innerHTML = `d${depth}/${latent} is no row here` + (to ? `: <a href="${to}">see the explorer</a>` : "");
  }

  chips.forEach((chip) => chip.addEventListener("click", () => {
    const rest = state.getAll(chip.name).filter((one) => one !== chip.value);
    set(chip.name, on(chip.name, chip.value) ? rest : [...rest, chip.value]);
  }));
  heads.forEach((head) => head.firstChild.addEventListener("click", () => {
    const { key } = head.dataset;
    set("sort", [sorted() === "-" + key ? key : "-" + key]);
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
