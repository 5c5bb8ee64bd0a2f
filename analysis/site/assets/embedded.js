// The page shell of the embedded renderer: theme toggle, tabs, heading links, the place in the table of contents.
// Everything on a page can be read without it.
(function () {
  "use strict";
  const body = document.body;

  const toggle = document.querySelector(".quarto-color-scheme-toggle");
  const setTheme = (dark) => {
    body.classList.toggle("quarto-dark", dark);
    body.classList.toggle("quarto-light", !dark);
    if (toggle) toggle.setAttribute("aria-pressed", String(dark));
  };
  setTheme(body.classList.contains("quarto-dark"));
  if (toggle) {
    toggle.addEventListener("click", () => {
      const dark = !body.classList.contains("quarto-dark");
      setTheme(dark);
      try {
        localStorage.setItem("quarto-color-scheme", dark ? "alternate" : "default"); // Quarto's own words
      } catch (error) {
        // A browser that keeps nothing still shows the chosen theme on this page.
      }
    });
  }

  // A menu is a <details>, so it opens without this; here it closes when something else is meant.
  const menus = [...document.querySelectorAll("#quarto-header details")];
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("focusin", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && menus.find((one) => one.open);
    if (!menu) return;
    event.preventDefault(); // it closed this, and nothing else on the page
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  const select = (tab, focus) => {
    const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    for (const other of tabs) {
      const chosen = other === tab;
      other.classList.toggle("active", chosen);
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).classList.toggle("active", chosen);
    }
    if (focus) tab.focus();
  };
  for (const set of document.querySelectorAll(".panel-tabset")) {
    const tabs = [...set.querySelectorAll(":scope > .nav-tabs [role=tab]")];
    select(tabs[0], false);
    const choose = (tab, focus) => {
      select(tab, focus);
      if (!set.dataset.group) return;
      for (const other of document.querySelectorAll(".panel-tabset")) {
        if (other === set || other.dataset.group !== set.dataset.group) continue;
        const twin = [...other.querySelectorAll(":scope > .nav-tabs [role=tab]")].find((one) => one.textContent === tab.textContent);
        if (twin) select(twin, false);
      }
    };
    tabs.forEach((tab, at) => {
      tab.addEventListener("click", (event) => {
        event.preventDefault();
        choose(tab, false);
      });
      tab.addEventListener("keydown", (event) => {
        const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1, " ": at, Enter: at };
        if (!(event.key in steps)) return;
        event.preventDefault();
        choose(tabs[(steps[event.key] + tabs.length) % tabs.length], true);
      });
    });
  }

  // A link into a pane that is not shown, or into a folded box, shows it first.
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) {
      if (at.matches("details")) at.open = true;
      if (at.matches(".tab-pane")) select(document.getElementById(at.getAttribute("aria-labelledby")), false);
    }
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  for (const heading of document.querySelectorAll("main section[id]:not(.no-anchor) > :is(h2, h3, h4)")) {
    const link = document.createElement("a");
    link.className = "anchorjs-link";
    link.href = "#" + heading.parentElement.id;
    link.textContent = "#";
    link.setAttribute("aria-label", "Link to this section");
    heading.append(link);
  }

  const entries = new Map();
  for (const link of document.querySelectorAll("#TOC a")) {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section) entries.set(section, link);
  }
  if (entries.size && "IntersectionObserver" in window) {
    const seen = new Set();
    const observer = new IntersectionObserver((changes) => {
      for (const change of changes) change.isIntersecting ? seen.add(change.target) : seen.delete(change.target);
      // The innermost section on screen: sections are nested, so the last one that is seen.
      const now = [...entries.keys()].filter((section) => seen.has(section)).pop();
      for (const [section, link] of entries) link.classList.toggle("active", section === now);
    }, { rootMargin: "-10% 0px -75% 0px" });
    for (const section of entries.keys()) observer.observe(section);
  }
})();
