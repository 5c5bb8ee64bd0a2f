// Image cells that carry data-enlarge open in a dialog, larger and with what they show in words. Complete without this.
(function () {
  "use strict";
  var cells = document.querySelectorAll("[data-enlarge]"), dialog = null;

  function open(cell) {
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "enlarged";
      dialog.setAttribute("aria-label", "Enlarged images");
      // a press on the backdrop is a press on the dialog itself, not on what is in it
      dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); });
      document.body.append(dialog);
    }
    var close = document.createElement("button");
    close.textContent = "Close";
    close.addEventListener("click", function () { dialog.close(); });
    var says = document.createElement("p");
    says.textContent = cell.dataset.enlarge;
    dialog.replaceChildren(close, says);
    Array.from(cell.children).forEach(function (part) { dialog.append(part.cloneNode(true)); });
    dialog.showModal();
  }

  cells.forEach(function (cell) {
    cell.classList.add("live");
    // the way to open it with a keyboard: a cell is too small for a button of its own, so its picture is one
    var picture = cell.querySelector(".digits");
    var opener = document.createElement("button");
    opener.className = "enlarge";
    opener.setAttribute("aria-label", "Enlarge " + cell.dataset.enlarge);
    picture.replaceWith(opener);
    opener.append(picture);
    cell.addEventListener("click", function (event) { if (!event.target.closest("a")) open(cell); });
  });
})();
