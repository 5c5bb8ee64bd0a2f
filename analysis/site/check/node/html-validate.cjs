// Which rules of html-validate hold: those of the HTML standard, of accessibility, and of a whole document.
// Its `recommended` rules are left out as a whole: they add style (letter case, quotes, void tags, inline styles).
module.exports = {
  root: true,
  extends: ["html-validate:standard", "html-validate:a11y", "html-validate:document"],
  rules: {
    // What a page loads lies beside it on the same host, where a hash says nothing; `strata check` refuses other hosts.
    "require-sri": ["error", { target: "crossorigin" }],
    // Off: a choice between two spellings of one meaning. Pandoc writes bibliographies as role="list", and a box that
    // scrolls is a named region without being a section of the text.
    "prefer-native-element": "off",
    // "On this page" is an h2 that stands before the title's h1 in Quarto's page, and in ours, which has its shape.
    // That there is one h1 is checked by itself, and the order of headings by axe.
    "heading-level": ["error", { minInitialRank: "h2" }]
  }
};
