// Files that analysis/run/web_format.py writes, checked before anything is computed with them. Whatever is wrong with one is
// an Error whose message is a sentence for the reader.
const LARGEST = { i8: 127, i12: 2047 };
const BYTES = { f32: (n) => 4 * n, u8: (n) => n, i8: (n) => n, f16: (n) => 2 * n, i12: (n) => 3 * Math.ceil(n / 2) };
export const AGAIN = "Reload the page; if that does not help, this site has to be built again.";

export async function fetched(url, as) {
  let answer;
  try { answer = await fetch(url, { cache: "no-cache" }); } catch (error) { answer = null; }
  const name = new URL(url).pathname.split("/").pop();
  if (!answer || !answer.ok) throw new Error(`The file ${name} could not be loaded: either the connection failed, or the page was opened from a disk and not from a server.`);
  try { return await answer[as](); } catch (error) { throw new Error(`The file ${name} is not what it should be. ${AGAIN}`); }
}

// The manifest of a file, which says of itself what it is: `what` in words.
export async function manifestOf(base, file, format, version, what) {
  const manifest = await fetched(new URL(file, base), "json");
  if (!manifest || manifest.format !== format) throw new Error(`The file ${file} describes no ${what}. ${AGAIN}`);
  if (manifest.version !== version) throw new Error(`The ${what} is kept in version ${manifest.version} of its format, and this page reads version ${version}. ${AGAIN}`);
  return manifest;
}

export const altered = (manifest) => new Error(`The file ${manifest.file} does not hold what its description says. ${AGAIN}`);

// Every tensor of the file by its name, as floats: {shape, values}.
export async function tensorsOf(manifest, buffer) {
  const whole = (n) => n.toLocaleString("en");
  if (buffer.byteLength !== manifest.bytes) throw new Error(`The file ${manifest.file} holds ${whole(buffer.byteLength)} bytes where ${whole(manifest.bytes)} are expected, so nothing is computed with it. ${AGAIN}`);
  // browsers offer digests on secure pages only; the self-test is made on all
  if (globalThis.crypto && crypto.subtle) {
    const digest = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", buffer)), (b) => b.toString(16).padStart(2, "0")).join("");
    if (digest !== manifest.sha256) throw new Error(`The file ${manifest.file} was altered after it was written, so nothing is computed with it. ${AGAIN}`);
  }
  try { return unpacked(manifest, buffer); } catch (error) { throw altered(manifest); }
}

function unpacked(manifest, buffer) {
  const found = {};
  for (const { name, dtype, shape, offset, bytes, axis } of manifest.tensors) {
    const count = shape.reduce((a, b) => a * b, 1), values = new Float32Array(count);
    if (bytes !== BYTES[dtype](count) || offset + bytes > buffer.byteLength) throw new Error(name);
    const view = new DataView(buffer, offset, bytes), raw = new Uint8Array(buffer, offset, bytes);
    if (dtype === "f32") for (let i = 0; i < count; i++) values[i] = view.getFloat32(4 * i, true);
    else if (dtype === "f16") for (let i = 0; i < count; i++) values[i] = half(view.getUint16(2 * i, true));
    else if (dtype === "u8") values.set(raw);
    else if (dtype === "i8") values.set(new Int8Array(buffer, offset, bytes));
    else for (let i = 0, at = 0; i < count; i += 2, at += 3) {
      // two numbers of twelve bits in three bytes; shifted up and down again, the highest bit is the sign
      values[i] = (raw[at] | raw[at + 1] << 8) << 20 >> 20;
      if (i + 1 < count) values[i + 1] = (raw[at + 1] >> 4 | raw[at + 2] << 4) << 20 >> 20;
    }
    if (LARGEST[dtype]) {
      const scale = found[name + ".scale"].values, columns = shape[1];
      for (let i = 0, row = 0; row < shape[0]; row++) for (let c = 0; c < columns; c++, i++) values[i] *= scale[axis ? c : row];
    }
    found[name] = { shape, values };
  }
  return found;
}

// A float of two bytes; without infinities, which no weight is.
function half(bits) {
  const exponent = bits >> 10 & 31, share = bits & 1023;
  return (bits >> 15 ? -1 : 1) * (exponent ? 2 ** (exponent - 15) * (1 + share / 1024) : 2 ** -24 * share);
}

// The k largest that are above zero, by a list that stays sorted; all else becomes zero. In place.
export function keepTop(values, k) {
  const top = [];
  for (let i = 0; i < values.length; i++) {
    if (!(values[i] > 0) || (top.length === k && values[i] <= values[top[k - 1]])) continue;
    let at = top.length === k ? k - 1 : top.length;
    for (; at > 0 && values[top[at - 1]] < values[i]; at--) top[at] = top[at - 1];
    top[at] = i;
  }
  const kept = top.map((i) => values[i]);
  values.fill(0);
  top.forEach((i, n) => { values[i] = kept[n]; });
  return top;
}
