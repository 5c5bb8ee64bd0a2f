// What helps to read, on both renderers' pages: a card beside footnote marks, citations, glossary words and numbers; the
// time a page takes; how far one has read; folded parts opened for paper. Every page is whole without it.
(function () {
  "use strict";
  var WORDS_A_MINUTE = 230; // silent reading of non-fiction: Brysbaert 2019, a meta-analysis, gives 238
  var OPEN_AFTER = 150, CLOSE_AFTER = 250; // ms
  var HINTS = [".num", ".sourced", ".verdict", ".table-scroll td"]; // what says more on hover
  var SAYING = HINTS.map(function (kind) { return kind + "[data-title]"; }).join(", ");
  var MARKS = "a.footnote-ref, a[role=doc-noteref], a[role=doc-biblioref], a.term, " + SAYING;
  var main = document.querySelector("main");
  if (!main) return;
  // where the site begins, in every folder, under any path: Quarto says it only where its own search is on
  var root = new URL("../../", document.currentScript.src).href;

  // --- cards ---
  var card = null, mark = null, timer = 0, pages = {};

  // The native hint would stand over the card.
  main.querySelectorAll(HINTS.map(function (kind) { return kind + "[title]"; }).join(", ")).forEach(function (number) {
    number.dataset.title = number.title;
    number.removeAttribute("title");
  });

  function element(name, text, kind) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  // A copy without ids, which must stay unique, and without the way back to the mark.
  function copies(nodes, from) {
    return Array.from(nodes, function (node) {
      var copy = document.importNode(node, true);
      if (copy.nodeType !== 1) return copy;
      copy.querySelectorAll(".footnote-back, .anchorjs-link").forEach(function (link) { link.remove(); });
      [copy].concat(Array.from(copy.querySelectorAll("*"))).forEach(function (part) {
        part.removeAttribute("id");
        if (part.hasAttribute("href")) part.href = new URL(part.getAttribute("href"), from).href;
      });
      return copy;
    });
  }

  function other(address) {
    pages[address] = pages[address] || fetch(address).then(function (answer) {
      if (!answer.ok) throw new Error(address + ": " + answer.status);
      return answer.text();
    }).then(function (text) { return new DOMParser().parseFromString(text, "text/html"); });
    pages[address].catch(function () { delete pages[address]; }); // a lost connection may come back
    return pages[address];
  }

  function term(link) {
    var address = link.href.split("#")[0], id = decodeURIComponent(link.hash.slice(1));
    var here = address === location.href.split("#")[0];
    // a page from the disk may fetch nothing: there the word is a link and no more
    if (!here && location.protocol === "file:") return Promise.resolve([]);
    return (here ? Promise.resolve(document) : other(address)).then(function (page) {
      var found = page.getElementById(id);
      var section = found && found.closest("section");
      var text = section && section.querySelector("p"), heading = section && section.querySelector("h2, h3, h4");
      if (!text) throw new Error("the glossary has no text for " + id);
      var name = copies([heading], address)[0];
      return [element("p", name.textContent.trim(), "card-title")].concat(copies([text], address));
    });
  }

  function number(span) {
    // what it is; and behind the first semicolon, from which runs (analysis/pages/numbers.py)
    var parts = span.dataset.title.split(/;\s(.*)/s);
    var says = [element("p", parts[0], parts[1] ? "card-title" : "")];
    if (!span.dataset.experiment) return parts[1] ? says.concat(element("p", parts[1])) : says;
    // mean of 5 runs (0.51 to 0.53): a1b2c3, ...
    var runs = /^(.*?): (.*)$/.exec(parts[1] || ""), link = element("a", "Config, commit and seconds");
    if (parts[1]) says.push(element("p", runs ? runs[1] : parts[1]));
    link.href = root + "report/reproduce.html#experiment-" + span.dataset.experiment;
    var how = element("p", "", "card-source");
    how.append(link, " of " + span.dataset.experiment + (runs ? "; runs " + runs[2] : ""));
    if (!span.dataset.key) return says.concat(how);
    // whole at a press: what a page writes to show this number
    var key = element("p", "Key: ", "card-source");
    key.append(element("code", span.dataset.key, "card-key"));
    return says.concat(how, key);
  }

  function content(at) {
    if (at.matches("a.term")) return term(at);
    if (!at.matches("a")) return Promise.resolve(number(at));
    var target = document.getElementById(decodeURIComponent(at.hash.slice(1)));
    return Promise.resolve(target ? copies(target.childNodes, location.href) : []);
  }

  function close() {
    clearTimeout(timer);
    if (card && card.contains(document.activeElement)) mark.focus();
    if (mark) mark.removeAttribute("aria-describedby");
    if (card) card.remove();
    card = mark = null;
  }

  // `enter`: the focus goes on into the card, to where it leads
  function open(at, enter) {
    if (mark === at && card && enter) step(card);
    if (mark === at) return;
    close();
    mark = at;
    content(at).then(function (parts) {
      if (mark !== at || !parts.length) return;
      card = element("div", "", "card-beside");
      card.id = "card-beside";
      card.setAttribute("role", "note");
      card.append.apply(card, parts);
      card.addEventListener("pointerenter", function () { clearTimeout(timer); });
      card.addEventListener("pointerleave", later);
      card.addEventListener("focusin", function () { clearTimeout(timer); });
      card.addEventListener("focusout", later);
      document.body.append(card);
      at.setAttribute("aria-describedby", card.id);
      place(at.getClientRects()[0], card.getBoundingClientRect());
      if (enter) step(card);
    }).catch(function (error) { console.error("card: " + error.message); });
  }

  function step(into) {
    var link = into.querySelector("a");
    if (link) link.focus();
  }

  function place(box, size) {
    var width = document.documentElement.clientWidth, below = box.bottom + 6;
    var top = below + size.height > innerHeight && box.top - size.height - 6 > 0 ? box.top - size.height - 6 : below;
    card.style.top = top + scrollY + "px";
    card.style.left = Math.max(12, Math.min(box.left, width - size.width - 12)) + scrollX + "px";
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(close, CLOSE_AFTER);
  }

  function marked(event) { return event.target.closest ? event.target.closest(MARKS) : null; }

  main.addEventListener("pointerover", function (event) {
    var at = marked(event);
    if (!at || event.pointerType === "touch") return;
    clearTimeout(timer);
    timer = setTimeout(function () { open(at); }, OPEN_AFTER);
  });
  main.addEventListener("pointerout", function (event) { if (marked(event) && event.pointerType !== "touch") later(); });
  main.addEventListener("focusin", function (event) {
    var at = marked(event);
    if (at && at.matches(":focus-visible")) open(at);
  });
  main.addEventListener("focusout", function (event) { if (marked(event)) later(); });
  // Fingers do not hover: the first tap opens the card, also of a link, and a second one follows it.
  var finger = false;
  document.addEventListener("pointerdown", function (event) { finger = event.pointerType === "touch"; });
  document.addEventListener("click", function (event) {
    var at = marked(event);
    if (at && at.matches("a") && finger && mark !== at) event.preventDefault();
    if (at && (finger || !at.matches("a"))) open(at);
    else if (card && !card.contains(event.target)) close();
  });
  document.addEventListener("keydown", function (event) {
    var at = marked(event);
    if (event.key === "Escape" && card) {
      event.preventDefault(); // it closed this, and nothing else on the page
      close();
    } else if ((event.key === "Enter" || event.key === " ") && at && !at.matches("a")) {
      event.preventDefault();
      open(at, true);
    }
  });

  // Hundreds of numbers would be hundreds of stops on the way through a page: they are for who asks for them.
  var numbers = main.querySelectorAll(SAYING), stops = false;
  if (numbers.length) {
    var asker = element("button", "Let the Tab key stop at the " + numbers.length + " numbers of this page", "numbers-as-stops");
    asker.type = "button";
    asker.setAttribute("aria-pressed", "false");
    asker.addEventListener("click", function () {
      stops = !stops;
      asker.setAttribute("aria-pressed", stops);
      numbers.forEach(function (one) {
        if (stops) { one.tabIndex = 0; one.setAttribute("role", "button"); }
        else { one.removeAttribute("tabindex"); one.removeAttribute("role"); }
      });
    });
    (document.getElementById("title-block-header") || main).append(asker);
  }

  // --- the keyboard: what scrolls sideways must be reached by it ---
  var scrollers = main.querySelectorAll("pre, div.sourceCode, .quarto-float-tbl > div, .table-responsive, .table-scroll, math[display=block]");
  function reach() {
    scrollers.forEach(function (box) {
      var scrolls = /auto|scroll/.test(getComputedStyle(box).overflowX) && box.scrollWidth > box.clientWidth + 1;
      if (scrolls) box.tabIndex = 0; else box.removeAttribute("tabindex");
    });
  }
  addEventListener("resize", reach);
  addEventListener("load", reach);

  // Quarto marks the page that one is on in the bar, but not inside its menus.
  function plain(address) { return address.split(/[?#]/)[0].replace(/index\.html$/, ""); }
  document.querySelectorAll("#quarto-header .dropdown-item").forEach(function (entry) {
    if (plain(entry.href) !== plain(location.href)) return;
    entry.classList.add("active");
    entry.setAttribute("aria-current", "page");
    entry.closest(".dropdown").querySelector(".dropdown-toggle").classList.add("active");
  });

  // --- folds: how a figure was measured, behind what it shows; what a machine proposes, behind a question ---
  var folds = 0;
  function fold(parts, before, shut, open, about) {
    var more = element("button", "", "more");
    function set(opened) {
      more.textContent = opened ? open : shut;
      more.setAttribute("aria-expanded", opened);
      more.setAttribute("aria-label", more.textContent + about);
      parts.forEach(function (part) { part.classList.toggle("folded", !opened); });
    }
    more.type = "button";
    parts.forEach(function (part) { part.id = part.id || "folded-" + (folds += 1); });
    more.setAttribute("aria-controls", parts.map(function (part) { return part.id; }).join(" "));
    more.addEventListener("click", function () { set(more.getAttribute("aria-expanded") === "false"); });
    before.before(more, " ");
    set(false);
  }
  main.querySelectorAll(".caption-rest").forEach(function (rest) {
    fold([rest], rest, "more", "less", " on this " + (rest.closest("[id^=tbl-]") ? "table" : "figure"));
  });
  main.querySelectorAll("li > ul").forEach(function (list) {
    var entries = Array.from(list.children).filter(function (one) { return one.querySelector(":scope > .may-help, :scope > p > .may-help"); });
    if (entries.length) fold(entries, list, entries.length + " may help", "hide what may help", " with this question or step");
  });

  // --- the time it takes ---
  var words = Array.from(main.querySelectorAll("p, li, dd, blockquote")).filter(function (part) {
    return !part.closest(".toc-fold, .chart, .neurons, .page-navigation, #title-block-header, [data-explorer], li p");
  }).map(function (part) { return part.textContent.split(/\s+/).length; }).reduce(function (a, b) { return a + b; }, 0);
  var minutes = Math.round(words / WORDS_A_MINUTE), head = document.getElementById("title-block-header");
  if (minutes >= 2 && head) head.append(element("p", minutes + " minutes to read", "reading-time"));

  // --- how far one has read ---
  var line = element("div", "", "read-line");
  line.setAttribute("aria-hidden", "true");
  document.body.append(line);
  var entries = [];
  document.querySelectorAll("#TOC a[href*='#']").forEach(function (link) {
    var section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section) entries.push({ link: link, section: section });
  });
  var asked = false;
  function follow() {
    asked = false;
    var whole = document.documentElement.scrollHeight - innerHeight, at = whole > 0 ? scrollY / whole : 1;
    line.style.setProperty("--read", whole > innerHeight ? Math.min(1, at).toFixed(4) : 0);
    entries.forEach(function (entry) {
      if (entry.section.getBoundingClientRect().bottom < innerHeight * .4) entry.link.dataset.read = "";
    });
  }
  addEventListener("scroll", function () {
    if (!asked) { asked = true; requestAnimationFrame(follow); }
  }, { passive: true });
  follow();

  // --- paper ---
  // A head that chromium repeats on each sheet loses its buttons: on paper they are words.
  var opened = [], buttons = [];
  addEventListener("beforeprint", function () {
    close();
    buttons = Array.from(main.querySelectorAll("thead button"), function (button) {
      var words = element("span", button.textContent);
      button.replaceWith(words);
      return { button: button, words: words };
    });
    opened = Array.from(main.querySelectorAll("details:not([open]):not(.toc-fold)"));
    opened.forEach(function (part) { part.open = true; });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (part) { part.open = false; });
    buttons.forEach(function (one) { one.words.replaceWith(one.button); });
  });
})();
