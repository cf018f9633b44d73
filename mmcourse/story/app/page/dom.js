/* Elements from data. Text only ever becomes text: nothing here makes markup of a string. */

const PATHS = {
  left: "M15 5l-7 7 7 7", right: "M9 5l7 7-7 7",
  play: "M7 4.500v15l12-7.500z", pause: "M8 5v14M16 5v14", stop: "M6.500 6.500h11v11h-11z",
  star: "M7 3.500h10v17l-5-4-5 4z", pencil: "M4 20l1-4.500L16.500 4l3.500 3.500L8.500 19zM14 6.500 17.500 10",
  brush: "M20 3.500c-5 2.500-8.500 6-10.500 9.500l2 2c3.500-2 7-5.500 8.500-11.500zM8.500 14c-2.500 0-3.500 2-3.500 4 0 1-1 2-1.500 2 4 1 7.500 0 7.500-3.500",
  eye: "M2.500 12C5 7.500 8.500 5.500 12 5.500s7 2 9.500 6.500c-2.500 4.500-6 6.500-9.500 6.500S5 16.500 2.500 12zM12 9.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z",
  ask: "M8.500 9a3.500 3.500 0 1 1 5 3.200c-1 .5-1.500 1.200-1.500 2.300M12 18.500h.01",
  undo: "M8 5 3.500 9.500 8 14M4 9.500h10a5.500 5.500 0 0 1 0 11h-3", redo: "M16 5l4.500 4.500L16 14M20 9.500H10a5.500 5.500 0 0 0 0 11h3",
  book: "M12 6.500C9.500 4.500 6 4 3 4.500v14c3-.5 6.500 0 9 2 2.500-2 6-2.500 9-2v-14c-3-.5-6.500 0-9 2zM12 6.500v14",
  tree: "M12 21v-6M12 15l-6-4V7M12 15l6-4V7M6 3.500a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600zM18 3.500a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600z",
  people: "M9 11.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM2.500 20c0-4 3-6 6.500-6s6.500 2 6.500 6M16 5a3.500 3.500 0 0 1 0 6.500M18 14.500c2 .8 3.500 2.500 3.500 5.500",
  map: "M3.500 6.500 9 4l6 2.500L20.500 4v13.500L15 20l-6-2.500L3.500 20zM9 4v13.500M15 6.500V20",
  list: "M9 6h11M9 12h11M9 18h11M4.500 6h.01M4.500 12h.01M4.500 18h.01",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.500 15.500 21 21",
  heart: "M12 20C6 15.500 3 12 3 8.500A4.500 4.500 0 0 1 12 7a4.500 4.500 0 0 1 9 1.500C21 12 18 15.500 12 20z",
  download: "M12 3.500v11M7.500 10.500 12 15l4.500-4.500M4.500 20h15",
  sun: "M12 7.800a4.200 4.200 0 1 0 0 8.400 4.200 4.200 0 0 0 0-8.400zM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4a8.500 8.500 0 1 0 10.500 10.500z",
  dice: "M5 4h14a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zM8.500 8.500h.01M15.500 8.500h.01M12 12h.01M8.500 15.500h.01M15.500 15.500h.01",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 2.500-2.500L20 17M15.500 8.500h.01", move: "M3 8h11M3 12h7M3 16h11M16.500 6.500 21 12l-4.500 5.500",
  bin: "M5 7h14M9.500 7V4.500h5V7M7 7l1 13h8l1-13M10.500 10.500v6M13.500 10.500v6", plus: "M12 5v14M5 12h14",
};
const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const e = document.createElementNS(SVG, tag);
  for (const [k, x] of Object.entries(attributes)) e.setAttribute(k, x);
  e.append(...children.flat());
  return e;
}

export const icon = name => svg("svg", {viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true"},
  svg("path", {d: PATHS[name], fill: "none", stroke: "currentColor", "stroke-width": 2.2,
    "stroke-linecap": "round", "stroke-linejoin": "round"}));

/* el("button", {class: "x", onclick: f}, "text", child): strings become text nodes, null is left out. */
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, x] of Object.entries(attributes)) {
    if (x === null || x === undefined || x === false) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), x);
    else if (k === "value" || k === "checked" || k === "disabled" || k === "hidden") e[k] = x;
    else if (k === "style") Object.entries(x).forEach(([name, value]) => e.style.setProperty(name, value));
    else e.setAttribute(k, x === true ? "" : x);
  }
  e.append(...children.flat(9).filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

export const button = (name, label, onclick, more = {}) =>
  el("button", {type: "button", class: "tool", onclick, ...more}, name ? icon(name) : null, el("span", {}, label));

/* A group of radio buttons, of which one is on. `items`: [value, label, picture or null]. */
export function pick(legend, name, items, value, onchange, kind = "chips") {
  return el("fieldset", {class: kind}, el("legend", {}, legend), items.map(([v, label, picture]) =>
    el("label", {},
      el("input", {type: "radio", name, value: v, checked: v === value, onchange: () => onchange(v)}),
      picture ? el("img", {src: picture, alt: "", width: 128, height: 128, loading: "lazy"}) : null,
      el("span", {}, label))));
}

/* Tell the reader something: as a slip of paper for a while, or, `quietly`, to screen readers alone. */
let fading = 0;
export function say(text, quietly = false) {
  const e = document.getElementById("said");
  e.textContent = text;
  e.classList.toggle("unseen", quietly || !text);
  clearTimeout(fading);
  fading = setTimeout(() => e.classList.add("unseen"), 4000 + 60 * text.length);
}
export const pictureOf = p => `/picture/${p.hash}.png`;
export const capital = text => text.slice(0, 1).toUpperCase() + text.slice(1);

/* The first words of a text, cut at a word. */
export function short(text, most = 70) {
  if (text.length <= most) return text;
  return text.slice(0, text.lastIndexOf(" ", most) > 20 ? text.lastIndexOf(" ", most) : most) + "…";
}
