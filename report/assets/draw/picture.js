// The drawing with what the trained and the random network say, as a picture to paste.
import { best } from "./network.js";
import { nameOf, percent, sprite } from "./view.js";

const WIDTH = 640, HEIGHT = 300, LINE = 44;

export async function copyPicture(page) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 2 * WIDTH, height: 2 * HEIGHT }), to = canvas.getContext("2d");
  const css = (name) => getComputedStyle(page.root).getPropertyValue(name).trim();
  to.scale(2, 2);
  to.fillStyle = css("--paper");
  to.fillRect(0, 0, WIDTH, HEIGHT);
  to.imageSmoothingEnabled = false;
  to.drawImage(page.one(".dr-seen canvas"), 20, 20, 224, 224);
  const text = (words, x, y, font, colour = "--ink") => { to.font = font + " system-ui, sans-serif"; to.fillStyle = css(colour); to.fillText(words, x, y, WIDTH - x - 16); };
  const { trained, random } = page.found, said = ({ net, answer }) => `${net.classes[best(answer)]}, ${percent(answer[best(answer)])} sure`;
  text("The network says " + said(trained), 268, 44, "600 20px");
  if (random) text("never trained, it says " + said(random), 268, 68, "14px", "--muted");
  const depth = trained.net.depths.length, { top } = trained.codes[depth - 1];
  text(`What fires at depth ${depth} of its tower:`, 268, 106, "14px", "--muted");
  const sheet = page.pictures.sprite && await picture(sprite(page.root.dataset.set));
  top.slice(0, 3).forEach((place, n) => {
    const own = sheet ? (page.pictures.trained[depth] || {})[trained.net.depths[depth - 1].latents[place]] || [] : [], y = 118 + n * (LINE + 8);
    const columns = page.pictures.sprite && page.pictures.sprite.columns, side = sheet && sheet.naturalWidth / columns;
    own.forEach((cell, i) => to.drawImage(sheet, cell % columns * side, Math.floor(cell / columns) * side, side, side, 268 + i * (LINE + 2), y, LINE, LINE));
    text(nameOf(page, "trained", depth, place), 268 + own.length * (LINE + 2) + 8, y + 27, "14px");
  });
  text(`${document.title}, ${location.host}`, 20, HEIGHT - 16, "12px", "--muted");
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    return "The picture is copied: paste it wherever you like.";
  } catch (error) { // no permission, or a browser without it
    Object.assign(document.createElement("a"), { href: canvas.toDataURL("image/png"), download: "digit.png" }).click();
    return "This browser does not let the page copy, so the picture is saved as digit.png.";
  }
}

const picture = (src) => new Promise((done) => Object.assign(new Image(), { onload() { done(this); }, onerror: () => done(null), src }));
