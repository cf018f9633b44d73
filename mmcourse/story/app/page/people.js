/* Character sheets, portraits as they change, and who is what to whom. */

import {button, capital, el} from "./dom.js";
import {face, faces} from "./face.js";
import {goTo} from "./main.js";
import {doing, pageNumber, setStory, store} from "./store.js";
import {ties} from "./ties.js";

const toPage = id => el("button", {type: "button", class: "page-link", onclick: () => goTo("book", id)}, `page ${pageNumber(id)}`);

async function portrait(name) {
  const last = await doing({do: "visualise", story: store.story.id, name});
  if (last?.story) setStory(last.story, store.at);
}

export function people() {
  const {people: all} = store.story;
  return el("div", {class: "view people"}, el("h1", {}, "Characters"),
    all.length ? null : el("p", {}, "Nobody has come into the story yet."),
    el("div", {class: "sheets"}, all.map(card)), ties(all, toPage));
}

const looks = p => capital(["colour", "species"].map(k => p.looks[k]).filter(Boolean).join(" ") || "somebody")
  + (p.looks.accessory ? ` with a ${p.looks.accessory}` : "");

function card(p, i) {
  return el("section", {class: "sheet paper-card"}, el("h2", {id: `sheet-${i}`, tabindex: "-1"}, p.name),
    el("div", {class: "strip"}, faces(p).slice(-8).map(q => el("figure", {}, face(p, q),
      el("figcaption", {}, q.painted ? "painted on " : null, toPage(q.scene))))),
    el("p", {class: "lead"}, `${looks(p)}${p.mood ? `, ${p.mood} now` : ""}.`),
    p.moods.length > 1 ? el("p", {}, "Felt ", p.moods.map((m, k) => [k ? ", then " : "", `${m.mood}: `, pages(m.scenes)]), ".") : null,
    el("p", {}, p.holds.length ? `Has ${p.holds.map(x => `the ${x}`).join(", ")}.` : "Has nothing to carry."),
    goals(p.name), el("div", {class: "row"}, button("brush", p.portraits.length ? "Paint them as they are now" : "Paint a portrait", () => portrait(p.name))));
}

const pages = ids => ids.map((id, i) => [i ? ", " : "", i ? el("button", {type: "button", class: "page-link", "aria-label": `page ${pageNumber(id)}`,
  onclick: () => goTo("book", id)}, String(pageNumber(id))) : toPage(id)]);

function goals(name) {
  const {promises, goals: wishes} = store.story;
  const lines = [...wishes.filter(g => g.who === name).map(g => `${capital(g.words)}.`),
    ...promises.filter(q => q.who === name).map(q => `Promised: ${q.what} (${q.kept ? "kept" : q.broken ? "broken" : "still open"}).`)];
  return lines.length ? el("ul", {class: "lines"}, lines.map(x => el("li", {}, x))) : null;
}
