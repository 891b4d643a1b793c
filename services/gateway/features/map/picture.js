// The map as a picture that is kept: what the eye sees of the stage, drawn again as SVG, and from that as PNG.
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 24;
const LARGEST = 16000; // points of a canvas that browsers take
const COPIED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "opacity"];

const make = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
};
const seen = (colour) => colour && colour !== "transparent" && !/rgba\(.*, 0\)$/.test(colour);

// `title` stands above it. Answers an <svg> that needs nothing of the page.
export function drawnAsSvg(stage, title) {
  const frame = stage.getBoundingClientRect(),
    zoom = frame.width / stage.offsetWidth || 1;
  const head = 34;
  const width = stage.offsetWidth + 2 * MARGIN,
    height = stage.offsetHeight + 2 * MARGIN + head;
  const paper = getComputedStyle(document.body).backgroundColor;
  const ink = getComputedStyle(document.body).color;
  const root = make("svg", { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` });
  root.append(make("rect", { width, height, fill: paper }));
  for (const pattern of document.querySelectorAll("pattern[id]")) root.append(inlined(pattern));
  const named = make("text", { x: MARGIN, y: MARGIN + 18, fill: ink, "font-size": 20, "font-weight": 600 });
  named.setAttribute("font-family", getComputedStyle(document.body).fontFamily);
  named.textContent = title;
  root.append(named);
  const group = make("g", { transform: `translate(${MARGIN} ${MARGIN + head})` });
  root.append(group);
  const place = (rect) => ({
    x: (rect.left - frame.left) / zoom,
    y: (rect.top - frame.top) / zoom,
    width: rect.width / zoom,
    height: rect.height / zoom,
  });
  walk(stage, group, place);
  return root;
}

function walk(element, group, place) {
  for (const child of element.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) group.append(...lines(child, place));
    if (child.nodeType !== Node.ELEMENT_NODE) continue;
    const style = getComputedStyle(child);
    if (style.display === "none" || style.visibility === "hidden" || child.matches(".hidden-text, .fold")) continue;
    if (child.namespaceURI === SVG) {
      const at = place(child.getBoundingClientRect());
      const copy = inlined(child);
      for (const [key, value] of Object.entries(child.classList.contains("edges") ? {} : at))
        copy.setAttribute(key, value);
      group.append(copy);
      continue;
    }
    const border = parseFloat(style.borderTopWidth) && seen(style.borderTopColor);
    if (seen(style.backgroundColor) || border) {
      const at = place(child.getBoundingClientRect());
      group.append(
        make("rect", {
          ...at,
          rx: Math.min(parseFloat(style.borderTopLeftRadius) || 0, at.height / 2),
          fill: seen(style.backgroundColor) ? style.backgroundColor : "none",
          stroke: border ? style.borderTopColor : "none",
        }),
      );
    }
    walk(child, group, place);
  }
}

// A piece of SVG with the look that the page's style gives it.
function inlined(original) {
  const copy = /** @type {SVGElement} */ (original.cloneNode(true));
  const all = [original, ...original.querySelectorAll("*")],
    copies = [copy, ...copy.querySelectorAll("*")];
  all.forEach((one, n) => {
    const style = getComputedStyle(one);
    for (const name of COPIED) copies[n].setAttribute(name, style.getPropertyValue(name));
    if (style.display === "none") copies[n].setAttribute("display", "none");
    copies[n].removeAttribute("class");
    copies[n].removeAttribute("style");
  });
  return copy;
}

// The lines of a text as they are broken on the page; each as wide as there, whatever fonts who opens it has.
function lines(node, place) {
  if (!node.textContent.trim()) return [];
  const style = getComputedStyle(node.parentElement);
  const range = document.createRange();
  const found = [];
  for (const word of node.textContent.matchAll(/\S+/g)) {
    range.setStart(node, word.index);
    range.setEnd(node, word.index + word[0].length);
    const rect = range.getBoundingClientRect();
    if (!rect.width) continue;
    const at = place(rect),
      last = found.at(-1);
    if (last && Math.abs(last.y - at.y) < at.height / 2) {
      last.text += ` ${word[0]}`;
      last.width = at.x + at.width - last.x;
    } else found.push({ ...at, text: word[0] });
  }
  return found.map((line) => {
    const text = make("text", {
      x: line.x,
      y: line.y + line.height * 0.78,
      textLength: line.width,
      lengthAdjust: "spacingAndGlyphs",
      fill: style.color,
      "font-family": style.fontFamily,
      "font-size": style.fontSize,
      "font-weight": style.fontWeight,
    });
    text.textContent = line.text;
    return text;
  });
}

const text = (svg) => new XMLSerializer().serializeToString(svg);

export function keepSvg(svg, name) {
  save(new Blob([text(svg)], { type: "image/svg+xml" }), `${name}.svg`);
}

// Twice as fine as the screen, or as fine as a canvas may be.
export async function keepPng(svg, name) {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text(svg)], { type: "image/svg+xml" }));
  await image.decode();
  URL.revokeObjectURL(image.src);
  const scale = Math.min(2, LARGEST / image.width, LARGEST / image.height);
  const canvas = document.createElement("canvas");
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  if (blob) save(blob, `${name}.png`);
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
