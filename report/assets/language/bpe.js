// Byte-level BPE as GPT-2 and the package `tokenizers` do it; from the file that analysis/run/web_tokens.py writes.
const WORDS = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

// The sign of each byte: printable ones as they are, others from 256 on.
const SIGNS = (() => {
  const found = [];
  for (let byte = 0, other = 256; byte < 256; byte++) {
    const plain = byte > 32 && byte < 127 || byte > 160 && byte < 173 || byte > 173;
    found.push(String.fromCharCode(plain ? byte : other++));
  }
  return found;
})();
const BYTES = new Map(SIGNS.map((sign, byte) => [sign, byte]));

export class Tokeniser {
  constructor({ pieces, merges, added, prefix_space }) {
    this.pieces = pieces;
    this.space = prefix_space;
    this.special = new Map(added.map(([text, id]) => [id, text]));
    this.ids = new Map(pieces.map((piece, id) => [piece, id]));
    // pairs of ids as one number
    this.merges = new Map(merges.map(([first, second, made], rank) => [first * pieces.length + second, [rank, made]]));
    this.known = new Map();
  }

  encode(text) {
    if (this.space && text && !/^\p{White_Space}/u.test(text)) text = " " + text;
    return (text.match(WORDS) || []).flatMap((word) => this.word(word));
  }

  word(word) {
    let ids = this.known.get(word);
    if (ids) return ids;
    ids = Array.from(new TextEncoder().encode(word), (byte) => this.ids.get(SIGNS[byte])).filter((id) => id !== undefined);
    for (;;) {
      let best = Infinity, made, at = -1;
      for (let i = 0; i + 1 < ids.length; i++) {
        const found = this.merges.get(ids[i] * this.pieces.length + ids[i + 1]);
        if (found && found[0] < best) { [best, made] = found; at = i; }
      }
      if (at < 0) break;
      ids.splice(at, 2, made);
    }
    this.known.set(word, ids);
    return ids;
  }

  bytes(id) {
    if (this.special.has(id)) return new TextEncoder().encode(this.special.get(id));
    return Uint8Array.from(Array.from(this.pieces[id]), (sign) => BYTES.get(sign));
  }

  // The text of each token; one of several bytes stands with the token that ends it, and "" with those before it.
  texts(ids) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return ids.map((id, i) => decoder.decode(this.bytes(id), { stream: i + 1 < ids.length }));
  }

  decode(ids) { return this.texts(ids).join(""); }
}
