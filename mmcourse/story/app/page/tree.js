/* The branches as a map: every scene that was told, the path that is open in warm ink. */

import {quick} from "./client.js";
import {el, icon, pictureOf, short, svg} from "./dom.js";
import {goTo} from "./main.js";
import {node, setStory, store, trying} from "./store.js";

const ACROSS = 172, DOWN = 176;

/* Where every scene stands: x by its depth, y by its branch. In order of a walk along the branches. */
function layout() {
  const spots = [];
  let row = 0;
  const place = (id, depth) => {
    const n = node(id), spot = {n, x: depth, y: 0};
    spots.push(spot);
    const below = n.children.map(c => place(c, depth + 1));
    spot.y = below.length ? below[0] : row++;
    return spot.y;
  };
  Object.values(store.story.nodes).filter(n => n.parent === null).forEach(n => place(n.id, 0));
  return spots;
}

export function tree() {
  const spots = layout(), by = new Map(spots.map(s => [s.n.id, s])), on = new Set(store.story.path);
  const wide = Math.max(...spots.map(s => s.x)) + 1, high = Math.max(...spots.map(s => s.y)) + 1;
  const middle = s => [s.x * ACROSS + ACROSS / 2, s.y * DOWN + 60];
  const ways = spots.filter(s => s.n.parent !== null).map(s => {
    const [x, y] = middle(s), [px, py] = middle(by.get(s.n.parent)), half = (x - px) / 2;
    return svg("path", {d: `M${px} ${py} C${px + half} ${py} ${x - half} ${y} ${x} ${y}`, class: on.has(s.n.id) ? "way-on" : "way-off"});
  });
  const open = async id => {
    const got = await trying(quick("go", {story: store.story.id, scene: id}));
    if (got) { setStory(got.story, id); goTo("book", id); }
  };
  const map = el("div", {class: "tree-map"}, svg("svg", {width: wide * ACROSS, height: high * DOWN, "aria-hidden": "true"}, ways),
    el("ol", {}, spots.map(s => el("li", {style: {left: `${s.x * ACROSS + 10}px`, top: `${s.y * DOWN + 4}px`}},
      el("button", {type: "button", class: `spot${on.has(s.n.id) ? " is-on" : ""}${s.n.id === store.story.current ? " is-here" : ""}`,
        onclick: () => on.has(s.n.id) ? goTo("book", s.n.id) : open(s.n.id)},
      s.n.picture ? el("img", {src: pictureOf(s.n.picture), alt: "", width: 96, height: 96, loading: "lazy"}) : el("span", {class: "no-cover"}),
      el("span", {class: "spot-words"}, s.n.marked !== null ? icon("star") : null, el("span", {class: "unseen"}, `Page ${s.x + 1}${on.has(s.n.id) ? ", in the book now" : ""}${s.n.id === store.story.current ? ", the last one" : ""}: `), short(s.n.chosen || s.n.asked || s.n.text, 46)))))));
  map.style.setProperty("width", `${wide * ACROSS}px`);
  map.style.setProperty("height", `${high * DOWN}px`);
  return el("div", {class: "view tree"}, el("h1", {}, "Branches"),
    el("p", {class: "quiet"}, "Every page that was told. Open one to read it there; what you tell from it grows beside what there is."),
    el("div", {class: "scroller", role: "group", tabindex: "0", "aria-label": "Map of the branches"}, map));
}
