/* Who is what to whom: a graph whose faces lead to their sheets, and the same in sentences. */

import {capital, el, svg} from "./dom.js";
import {face, faces} from "./face.js";
import {store} from "./store.js";

const LABELS = {"friend of": "friends", knows: "knows", awaits: "waits for", hopes: "hopes for a present", rivals: "competes",
  give: "gave something", follow: "followed", hug: "hugged", quarrel: "quarrelled"};
const MUTUAL = ["friend of", "hug", "quarrel"];
const WIDE = 100, HIGH = 68;

export function ties(all, toPage) {
  const {ties: told} = store.story;
  if (!told.length) return null;
  const said = told.filter((t, i) => !MUTUAL.includes(t.what)  // who hugs is hugged: once is enough
    || !told.slice(0, i).some(u => u.what === t.what && u.who === t.value && u.value === t.who));
  return el("section", {class: "relations"}, el("h2", {}, "Who is what to whom"), graph(all, told),
    el("ul", {class: "lines"}, said.map(t => el("li", {}, `${capital(t.who)} ${t.words} `, toPage(t.scene)))));
}

/* Everybody on a ring, the first at its top; two stand side by side. */
function spots(n) {
  const turn = n === 2 ? Math.PI : Math.PI / 2;
  return i => {
    const a = 2 * Math.PI * i / n - turn;
    return [WIDE / 2 + 33 * Math.cos(a), HIGH / 2 - (n === 2 ? 2 : n === 3 ? -4 : 2) + (n === 2 ? 0 : 22 * Math.sin(a))];
  };
}

/* The ties of each two as one line: its words, and whether it points one way. */
function pairs(told) {
  const found = new Map();
  for (const t of told) {
    const key = [t.who, t.value].sort().join("\n"), pair = found.get(key) ?? {from: t.who, to: t.value, words: [], way: true};
    pair.way &&= t.who === pair.from && !MUTUAL.includes(t.what);
    if (!pair.words.includes(LABELS[t.what] ?? t.what)) pair.words.push(LABELS[t.what] ?? t.what);
    found.set(key, pair);
  }
  return [...found.values()];
}

function graph(all, told) {
  const size = all.length < 5 ? 18 : all.length < 8 ? 14 : 11, spot = spots(all.length);
  const where = new Map(all.map((p, i) => [p.name, spot(i)])), lines = pairs(told).filter(t => where.has(t.from) && where.has(t.to));
  const drawn = lines.map(t => {
    const [x, y] = where.get(t.from), [u, v] = where.get(t.to), far = Math.hypot(u - x, v - y), cut = (size / 2 + 1) / far;
    const at = [x + (u - x) * cut, y + (v - y) * cut, u - (u - x) * cut, v - (v - y) * cut];
    const line = svg("line", {x1: at[0], y1: at[1], x2: at[2], y2: at[3], ...(t.way ? {"marker-end": "url(#points-to)"} : {})});
    const words = el("span", {class: "tie", style: {left: `${x * 0.54 + u * 0.46}%`, top: `${100 * (y * 0.54 + v * 0.46) / HIGH}%`}}, t.words.slice(-2).join(", "));
    return {...t, line, words};
  });
  const light = name => drawn.forEach(t => [t.line, t.words].forEach(e => e.classList.toggle("is-dim", name !== null && name !== t.from && name !== t.to)));
  const dots = all.map((p, i) => {
    const [x, y] = where.get(p.name), last = faces(p).at(-1);
    return el("button", {type: "button", class: "tie-face", style: {left: `${x}%`, top: `${100 * y / HIGH}%`, width: `${size}%`},
      onclick: () => { const sheet = document.getElementById(`sheet-${i}`); sheet.scrollIntoView({block: "center"}); sheet.focus({preventScroll: true}); },
      onfocus: () => light(p.name), onblur: () => light(null), onmouseenter: () => light(p.name), onmouseleave: () => light(null)},
    last ? face(p, last, "") : el("span", {class: "no-face"}), el("span", {class: "tie-name"}, p.name));
  });
  return el("div", {class: "graph", role: "group", "aria-label": "Graph of the relations; the sentences below say the same"},
    svg("svg", {viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true"},
      svg("defs", {}, svg("marker", {id: "points-to", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 6, markerHeight: 6, orient: "auto"},
        svg("path", {d: "M1 1 7 4 1 7", class: "tip"}))), drawn.map(t => t.line)),
    el("div", {"aria-hidden": "true"}, drawn.map(t => t.words)), dots);
}
