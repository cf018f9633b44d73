/* Character sheets, portraits as they change, and who is what to whom. */

import {button, capital, el, pictureOf, svg} from "./dom.js";
import {goTo} from "./main.js";
import {doing, node, pageNumber, setStory, store} from "./store.js";

const toPage = id => el("button", {type: "button", class: "page-link", onclick: () => goTo("book", id)}, `page ${pageNumber(id)}`);

async function portrait(name) {
  const last = await doing({do: "visualise", story: store.story.id, name});
  if (last?.story) setStory(last.story, store.at);
}

export function people() {
  const {people: all} = store.story;
  return el("div", {class: "view people"}, el("h1", {}, "Characters"),
    all.length ? null : el("p", {}, "Nobody has come into the story yet."),
    el("div", {class: "sheets"}, all.map(card)), graph(all));
}

const looks = p => capital(["colour", "species"].map(k => p.looks[k]).filter(Boolean).join(" ") || "somebody")
  + (p.looks.accessory ? ` with a ${p.looks.accessory}` : "");

function card(p) {
  const faces = p.portraits.length ? p.portraits : p.seen;
  return el("section", {class: "sheet paper-card"}, el("h2", {}, p.name),
    el("div", {class: "strip"}, faces.slice(-6).map(q => el("figure", {}, face(p, q),
      el("figcaption", {}, toPage(q.scene))))),
    el("p", {class: "lead"}, `${looks(p)}${p.mood ? `, ${p.mood} now` : ""}.`),
    p.moods.length > 1 ? el("p", {}, "Felt ", p.moods.map((m, i) => [i ? ", then " : "", m.mood, " (", toPage(m.scene), ")"]), ".") : null,
    el("p", {}, p.holds.length ? `Has ${p.holds.map(x => `the ${x}`).join(", ")}.` : "Has nothing to carry."),
    goals(p.name), el("div", {class: "row"}, button("brush", p.portraits.length ? "Paint them as they are now" : "Paint a portrait", () => portrait(p.name))));
}

/* A portrait; without one, that part of a page's picture in which they are. */
function face(p, q) {
  if (!q.crop) return el("img", {src: pictureOf(q), alt: q.alt || p.name, width: 160, height: 160, loading: "lazy"});
  const [x, y, side] = q.crop, shown = el("img", {src: pictureOf(q), alt: `${p.name}, ${q.mood}`, loading: "lazy"});
  Object.assign(shown.style, {width: `${100 / side}%`, left: `${-100 * x / side}%`, top: `${-100 * y / side}%`});
  return el("span", {class: "face-of"}, shown);
}

function goals(name) {
  const {promises, goals: wishes} = store.story;
  const lines = [...wishes.filter(g => g.who === name).map(g => `${capital(g.words)}.`),
    ...promises.filter(q => q.who === name).map(q => `Promised: ${q.what} (${q.kept ? "kept" : q.broken ? "broken" : "still open"}).`)];
  return lines.length ? el("ul", {class: "lines"}, lines.map(x => el("li", {}, x))) : null;
}

function graph(all) {
  const {relations} = store.story;
  if (!relations.length) return null;
  const names = [...new Set([...all.map(p => p.name), ...relations.flatMap(r => [r.who, r.value])])];
  const spot = i => { const a = 2 * Math.PI * i / names.length - Math.PI / 2; return [250 + 150 * Math.cos(a), 200 + 140 * Math.sin(a)]; };
  const where = new Map(names.map((name, i) => [name, spot(i)]));
  const pairs = new Map();
  for (const r of relations) {
    const key = [r.who, r.value].sort().join("\n");
    pairs.set(key, [...(pairs.get(key) ?? []), r]);
  }
  const lines = [...pairs.values()].map(rs => {
    const [x, y] = where.get(rs[0].who), [u, v] = where.get(rs[0].value);
    const label = [...new Set(rs.map(r => r.what))].join(", ");
    return [svg("line", {x1: x, y1: y, x2: u, y2: v}), svg("text", {x: (x + u) / 2, y: (y + v) / 2 - 6, class: "tie"}, label)];
  });
  const dots = names.map(name => { const [x, y] = where.get(name); return [svg("circle", {cx: x, cy: y, r: 34}), svg("text", {x, y: y + 5}, name)]; });
  return el("section", {class: "relations"}, el("h2", {}, "Who is what to whom"),
    svg("svg", {viewBox: "0 0 500 400", class: "graph", "aria-hidden": "true"}, lines.flat(), dots.flat()),
    el("ul", {class: "lines"}, relations.map(r => el("li", {}, `${r.who}: ${r.what} ${r.value} `, toPage(r.scene)))));
}
