/* The map of places: where the story has been, the ways between, and each place from several sides. */

import {button, capital, el, pictureOf, svg} from "./dom.js";
import {goTo} from "./main.js";
import {doing, node, pageNumber, store} from "./store.js";

const pageOf = id => el("button", {type: "button", class: "page-link", onclick: () => goTo("book", id)}, `page ${pageNumber(id)}`);
const shown = place => place.scenes.map(node).filter(n => n?.picture).at(-1);

export function places() {
  const all = store.story.places;
  return el("div", {class: "view places"}, el("h1", {}, "Places"),
    all.length ? el("p", {class: "quiet"}, "Where the story has been, and where one can go from there.") : el("p", {}, "The story has not said yet where it is."),
    all.length > 1 ? map(all) : null, el("div", {class: "sheets"}, all.map(card)));
}

function map(all) {
  const wide = Math.max(460, 190 * all.length), spot = i => [90 + (wide - 180) * i / (all.length - 1), 120 + (i % 2 ? 74 : -34) + (i % 3 ? 10 : 0)];
  const where = new Map(all.map((p, i) => [p.name, spot(i)]));
  const ways = all.flatMap(p => p.exits.filter(e => where.has(e) && p.name < e).map(e => {
    const [x, y] = where.get(p.name), [u, v] = where.get(e);
    return svg("path", {d: `M${x} ${y} Q${(x + u) / 2} ${Math.max(y, v) + 46} ${u} ${v}`, class: "road"});
  }));
  const clip = all.map((p, i) => svg("clipPath", {id: `island-${i}`}, svg("circle", {cx: spot(i)[0], cy: spot(i)[1], r: 58})));
  const islands = all.map((p, i) => {
    const [x, y] = spot(i), n = shown(p);
    return [svg("circle", {cx: x, cy: y, r: 62, class: "island"}),
      n ? svg("image", {href: pictureOf(n.picture), x: x - 58, y: y - 58, width: 116, height: 116, "clip-path": `url(#island-${i})`}) : "",
      svg("text", {x, y: y + 86}, p.name)];
  });
  return svg("svg", {viewBox: `0 0 ${wide} 310`, class: "map", "aria-hidden": "true"}, svg("defs", {}, clip), ways, islands.flat());
}

function card(p) {
  const n = shown(p), views = el("div", {class: "strip"});
  if (n) views.append(el("figure", {}, el("img", {src: pictureOf(n.picture), alt: n.picture.alt, width: 160, height: 160, loading: "lazy"}), el("figcaption", {}, "as it was seen")));
  const look = async () => {
    views.replaceChildren(views.firstChild);
    await doing({do: "views", story: store.story.id, scene: n.id}, s => {
      if (s.kind === "view") views.append(el("figure", {}, el("img", {src: `/made/${s.picture}`, alt: `The ${p.name} ${s.name}`, width: 160, height: 160}), el("figcaption", {}, s.name)));
    });
  };
  return el("section", {class: "sheet paper-card"}, el("h2", {}, capital(p.name)), views,
    el("p", {}, p.scenes.length ? ["Seen on ", p.scenes.map((id, i) => [i ? ", " : "", pageOf(id)]), "."] : "Heard of, and not yet seen."),
    el("p", {}, p.exits.length ? `From here one can go to: ${p.exits.join(", ")}.` : "Nobody has told yet where one can go from here."),
    n ? el("div", {class: "row"}, button("eye", "From other sides", look)) : null);
}
