// From pen strokes to an image as MNIST has them: the ink fits a box of 20 pixels with its shape kept, its centre of mass is the
// centre of 28 pixels, and edges are grey by how much of a pixel is covered. Strokes are lists of points [x, y], y down.
const SUB = 4;      // a pixel is covered by so many squared parts
const PEN = 1.25;   // half the width of a stroke, in pixels of the image: that of MNIST's
const LEAST = 0.06; // what is smaller than this share of the pad is a dot

export const drawn = (strokes) => strokes.some((stroke) => stroke.length);

function bounds(strokes) {
  const points = strokes.flat(), xs = points.map((p) => p[0]), ys = points.map((p) => p[1]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

// Whether there is more than a dot on a pad of that side.
export function large(strokes, side) {
  if (!drawn(strokes)) return false;
  const [left, top, right, bottom] = bounds(strokes);
  return Math.max(right - left, bottom - top) >= LEAST * side;
}

export function toImage(strokes, { height = 28, width = 28, box = 20 } = {}) {
  const [left, top, right, bottom] = bounds(strokes);
  const scale = (box - 2 * PEN) / Math.max(right - left, bottom - top, 1e-6);
  const lines = strokes.filter((s) => s.length).map((s) => s.map(([x, y]) => [(x - (left + right) / 2) * scale, (y - (top + bottom) / 2) * scale]));
  // The centre of mass moves by whole pixels, as it did there.
  let image = covered(lines, width / 2, height / 2, width, height), x = 0, y = 0, sum = 0;
  image.forEach((v, i) => { sum += v; x += v * (i % width + .5); y += v * (Math.floor(i / width) + .5); });
  const shift = (at, middle, low, high, size) => {
    const by = Math.round(middle - at / sum);
    return Math.min(Math.max(by, Math.ceil(-low)), Math.floor(size - high)); // all ink stays inside
  };
  const half = [(right - left) / 2 * scale + PEN, (bottom - top) / 2 * scale + PEN];
  const dx = shift(x, width / 2, width / 2 - half[0], width / 2 + half[0], width);
  const dy = shift(y, height / 2, height / 2 - half[1], height / 2 + half[1], height);
  if (dx || dy) image = covered(lines, width / 2 + dx, height / 2 + dy, width, height);
  return image;
}

function covered(lines, cx, cy, width, height) {
  const w = width * SUB, h = height * SUB, grid = new Uint8Array(w * h), r = PEN * SUB;
  const mark = (ax, ay, bx, by) => {
    const [vx, vy] = [bx - ax, by - ay], length = vx * vx + vy * vy;
    const [x0, x1] = [Math.floor(Math.min(ax, bx) - r), Math.ceil(Math.max(ax, bx) + r)];
    const [y0, y1] = [Math.floor(Math.min(ay, by) - r), Math.ceil(Math.max(ay, by) + r)];
    for (let y = Math.max(0, y0); y <= Math.min(h - 1, y1); y++) for (let x = Math.max(0, x0); x <= Math.min(w - 1, x1); x++) {
      const [px, py] = [x + .5 - ax, y + .5 - ay], t = length ? Math.min(1, Math.max(0, (px * vx + py * vy) / length)) : 0;
      if ((px - t * vx) ** 2 + (py - t * vy) ** 2 <= r * r) grid[y * w + x] = 1;
    }
  };
  for (const line of lines) {
    const at = line.map(([x, y]) => [(x + cx) * SUB, (y + cy) * SUB]);
    at.forEach((p, i) => mark(...at[Math.max(0, i - 1)], ...p));
  }
  const image = new Uint8Array(width * height);
  for (let i = 0; i < grid.length; i++) if (grid[i]) image[Math.floor(i / w / SUB) * width + Math.floor(i % w / SUB)]++;
  return image.map((n) => Math.round(255 * n / SUB / SUB));
}

// Strokes as text for an address: three signs a point, strokes parted by a dot.
const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

export const written = (strokes) => strokes.map((stroke) => stroke.map(([x, y]) => {
  const n = x * 512 + y;
  return SIGNS[n >> 12] + SIGNS[n >> 6 & 63] + SIGNS[n & 63];
}).join("")).join(".");

// What is no text of strokes gives none.
export function parsed(text, side) {
  const strokes = text.split(".").map((part) => (part.match(/.{3}/g) || []).map((three) => {
    const n = Array.from(three).reduce((sum, sign) => sum * 64 + SIGNS.indexOf(sign), 0);
    return [n >> 9, n & 511];
  }));
  const right = strokes.every((stroke) => stroke.length && stroke.every(([x, y]) => x >= 0 && x <= side && y >= 0 && y <= side));
  return right && /^[\w.-]+$/.test(text) ? strokes : [];
}
