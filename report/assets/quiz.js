// The quiz: a press on a row opens the answer and says whether it was right. Without this the answer opens by itself.
(function () {
  "use strict";
  document.querySelectorAll(".quiz").forEach(function (quiz) {
    var buttons = quiz.querySelector(".quiz-buttons"), answer = quiz.querySelector(".quiz-answer");
    var said = quiz.querySelector(".quiz-said"), choices = Array.from(buttons.children);
    if (answer.open) return; // a browser that goes back may bring it back opened
    quiz.classList.add("live");
    buttons.hidden = false;
    answer.hidden = true;

    function choose(button) {
      if (quiz.classList.contains("answered")) return;
      quiz.classList.add("answered");
      choices.forEach(function (one) {
        one.setAttribute("aria-pressed", String(one === button));
        // not `disabled`: that would take the focus from who just pressed it
        one.setAttribute("aria-disabled", "true");
        one.classList.toggle("right", one.dataset.right === "true");
      });
      var verdict = document.createElement("p"), right = button.dataset.right === "true";
      verdict.className = "quiz-verdict " + (right ? "right" : "wrong");
      verdict.textContent = right ? "Right." : "No: it is the other one.";
      said.replaceChildren(verdict, answer.querySelector("p"));
    }

    choices.forEach(function (button) { button.addEventListener("click", function () { choose(button); }); });
    // the images themselves are a larger target than their button
    quiz.querySelectorAll(".grid-row").forEach(function (row) {
      row.addEventListener("click", function () {
        choose(choices.find(function (one) { return one.dataset.row === row.dataset.row; }));
      });
    });
  });
})();
