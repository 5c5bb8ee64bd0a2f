// Search over the whole site: a button in the navbar, / and Ctrl K open a dialog. The index (analysis/site/search.py wrote
// it) is loaded when the dialog first opens, from the site itself. Without scripts there is no button.
(function () {
  "use strict";
  // where the site begins: right in every folder, under any path, and on 404.html, since this file was found
  const root = new URL("../../", document.currentScript.src).href;
  const PAGES = 25, PLACES = 3, SHOWN = 15, REST = 120; // pages looked into, places of one, places in all, ms without a key before an answer
  const FROM_DISK = "Search needs a server, and this page was opened from the disk. Run strata serve and open the address it says.";
  const MISSING = "The index could not be loaded, so nothing can be found. Either the connection failed, or this site was made without one.";
  const LITTLE = new Set(["a", "an", "and", "are", "do", "does", "how", "in", "is", "of", "the", "to", "what", "why"]);
  let dialog = null, input, says, list, ready = null, turn = 0, timer = 0;

  function load() {
    if (location.protocol === "file:") return Promise.reject(new Error(FROM_DISK));
    ready = ready || import(root + "pagefind/pagefind.js").then(async (index) => {
      // the index is small: a worker would be one more file and one more permission
      await index.options({ noWorker: true, excerptLength: 24 });
      await index.init();
      return index;
    }).catch((error) => {
      ready = null; // asked for again the next time
      console.error("search: " + error.message);
      throw new Error(MISSING);
    });
    return ready;
  }

  const many = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;
  const weight = (place) => place.weighted_locations.reduce((sum, word) => sum + word.balanced_score, 0);

  // Sections: first those whose heading has all the words, then by page, in pagefind's order, what says most about them.
  function placesOf(pages, words) {
    const asked = words.toLowerCase().replace(/"/g, "").split(/\s+/).filter((word) => !LITTLE.has(word));
    // 2: the heading is what was asked for, in any number; 1: it has all the words
    const named = (place) => {
      const title = place.title.toLowerCase(), whole = asked.join(" ");
      return !whole ? 0 : title === whole || title + "s" === whole || title === whole + "s" ? 2 : +asked.every((word) => title.includes(word));
    };
    return pages.flatMap((page) => page.sub_results
      .sort((a, b) => named(b) - named(a) || weight(b) - weight(a)).slice(0, PLACES)
      .map((place) => Object.assign(place, { page: place.url.includes("#") ? page.meta.title : "" }))
    ).sort((a, b) => named(b) - named(a));
  }

  // An excerpt is text with <mark> around words; nothing else of it becomes an element.
  function marked(excerpt) {
    return excerpt.split(/(<mark>.*?<\/mark>)/).map((part) => {
      const word = /^<mark>(.*)<\/mark>$/.exec(part), text = (word ? word[1] : part).replace(/&lt;/g, "<").replace(/&gt;/g, ">");
      return word ? made("mark", text) : text;
    });
  }

  function made(name, text, kind) {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  }

  function show(places, sentence) {
    says.textContent = sentence;
    list.replaceChildren(...places.map((place) => {
      const item = made("li"), link = made("a"), excerpt = made("p");
      link.href = place.url;
      link.append(made("b", place.title), ...(place.page ? [" ", made("span", place.page)] : []));
      excerpt.append(...marked(place.excerpt));
      item.append(link, excerpt);
      return item;
    }));
    list.scrollTop = 0;
  }

  // Answers what stands in the box now; an answer that was overtaken is dropped.
  async function ask() {
    clearTimeout(timer);
    const words = input.value.trim(), mine = ++turn;
    try {
      const index = await load();
      const found = words ? (await index.search(words)).results : [];
      const pages = await Promise.all(found.slice(0, PAGES).map((page) => page.data()));
      if (mine !== turn) return false;
      const all = placesOf(pages, words), places = all.slice(0, SHOWN);
      if (!words) show([], "");
      else if (!places.length) show([], `Nothing on this site matches “${words}”.`);
      else show(places, (all.length > SHOWN ? `The best ${SHOWN} places` : many(all.length, "place")) + ` on ${many(found.length, "page")}.`);
      return true;
    } catch (error) {
      if (mine === turn) show([], error.message === FROM_DISK ? FROM_DISK : MISSING);
      return false;
    }
  }

  function keys(event) {
    const stops = [input, ...list.querySelectorAll("a")], at = stops.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") dialog.close(); // the browser would first empty the box
    else if (step) stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
    else {
      // what is typed while a result has the focus goes on in the box
      if (at > 0 && /^\S$/.test(event.key) && !event.ctrlKey && !event.metaKey && !event.altKey) input.focus();
      return;
    }
    event.preventDefault();
  }

  function build() {
    dialog = made("dialog", "", "search-dialog");
    dialog.setAttribute("aria-label", "Search this site");
    dialog.innerHTML = '<form role="search"><label for="search-words">Search this site</label>' +
      '<input id="search-words" type="search" autocomplete="off" autocapitalize="off" spellcheck="false" enterkeyhint="go">' +
      '<button type="button">Close</button></form><p role="status"></p><ol></ol>';
    input = dialog.querySelector("input");
    says = dialog.querySelector("[role=status]");
    list = dialog.querySelector("ol");
    dialog.querySelector("button").addEventListener("click", () => dialog.close());
    // a press on the backdrop is a press on the dialog itself, not on what is in it
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("keydown", keys);
    // a result on this page only moves it: the dialog must not stay before it
    list.addEventListener("click", (event) => { if (event.target.closest("a") && !event.ctrlKey && !event.metaKey) dialog.close(); });
    input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, REST); });
    dialog.querySelector("form").addEventListener("submit", async (event) => {
      event.preventDefault();
      const first = await ask() && list.querySelector("a");
      if (first) first.click();
    });
    document.body.append(dialog);
  }

  function open() {
    if (!dialog) build();
    if (!dialog.open) dialog.showModal();
    input.focus();
    input.select();
    ask();
  }

  const opener = made("button", "", "search-opener");
  opener.type = "button";
  opener.title = "Search this site (press / or Ctrl K)";
  opener.setAttribute("aria-keyshortcuts", "/ Control+K Meta+K");
  opener.innerHTML = '<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><circle cx="6.5" cy="6.5" r="4.75"/>' +
    '<path d="m10 10 4.5 4.5"/></svg><span>Search</span>';
  opener.addEventListener("click", open);
  const header = (part) => document.querySelector("#quarto-header " + part);
  const tools = header(".quarto-navbar-tools"), bar = header(".navbar-container") || header("nav");
  if (tools) tools.prepend(opener);
  else if (bar) bar.append(opener);

  // on window, after the page's own keys: the explorer takes / for its list
  addEventListener("keydown", (event) => {
    const command = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
    const plain = event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey &&
      !document.activeElement.closest("input, select, textarea, [contenteditable], dialog");
    if (event.defaultPrevented || !(command || plain)) return;
    event.preventDefault();
    open();
  });
})();
