// Puts a post on the clipboard: rich text for the editor, Markdown as plain text. Asks nothing of the network.
//
// The copy event comes first: what it is given goes on the clipboard byte for byte. HTML that comes through
// navigator.clipboard is parsed and written anew by the browser; tried in Chromium, all forms came through too.
(function () {
  "use strict";
  var post = JSON.parse(document.getElementById("post").textContent);
  var status = document.getElementById("status");
  var article = document.getElementById("preview");

  function say(text) { status.textContent = ""; setTimeout(function () { status.textContent = text; }, 50); }

  function select(node) {
    var range = document.createRange();
    range.selectNodeContents(node);
    var selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  }

  // By a copy event of our own: some browsers send one only while something is selected.
  function byEvent(html, text) {
    var done = false;
    function fill(event) {
      event.clipboardData.setData("text/plain", text);
      if (html) event.clipboardData.setData("text/html", html);
      event.preventDefault();
      event.stopImmediatePropagation();
      done = true;
    }
    document.addEventListener("copy", fill, true);
    var focused = document.activeElement;
    try {
      select(status.parentNode);
      document.execCommand("copy");
    } catch (error) {
      done = false;
    }
    document.removeEventListener("copy", fill, true);
    getSelection().removeAllRanges();
    if (focused) focused.focus();
    return done;
  }

  function byClipboard(html, text) {
    if (!navigator.clipboard || !window.ClipboardItem) return Promise.reject(new Error("no clipboard"));
    var kinds = { "text/plain": new Blob([text], { type: "text/plain" }) };
    if (html) kinds["text/html"] = new Blob([html], { type: "text/html" });
    return navigator.clipboard.write([new ClipboardItem(kinds)]);
  }

  function copy(what, html, text) {
    if (byEvent(html, text)) { say("Copied: " + what + "."); return; }
    byClipboard(html, text).then(function () { say("Copied: " + what + "."); }, function () {
      select(article);
      say("This browser does not let a button copy. The post is selected: press Ctrl+C, or Cmd+C on a Mac.");
    });
  }

  // Copying the selected preview by hand gives the post too, not the preview.
  document.addEventListener("copy", function (event) {
    var selection = getSelection();
    if (selection.isCollapsed || !selection.containsNode(article.firstElementChild, true)) return;
    if (!selection.containsNode(article.lastElementChild, true)) return;
    event.clipboardData.setData("text/plain", post.markdown);
    event.clipboardData.setData("text/html", post.html);
    event.preventDefault();
  });

  document.querySelectorAll("button[data-copy]").forEach(function (button) {
    button.disabled = false;
    button.addEventListener("click", function () {
      if (button.dataset.copy === "title") copy("the title", "", post.title);
      else if (button.dataset.copy === "markdown") copy("the post as Markdown", "", post.markdown);
      else copy("the post", post.html, post.markdown);
    });
  });
})();
