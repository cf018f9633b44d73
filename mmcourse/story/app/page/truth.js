/* The ledger: what is true at the end of the open path, each with the page that made it true. */

import {capital, el} from "./dom.js";
import {goTo} from "./main.js";
import {pageNumber, store} from "./store.js";

/* A fact that several pages tell stands once, with all of them; "wears nothing" says nothing. */
function once(facts) {
  const found = new Map();
  for (const f of facts) {
    if (f.value === "none") continue;
    const key = JSON.stringify([f.who, f.what, f.value]), same = found.get(key);
    if (same) same.scenes.push(f.scene); else found.set(key, {...f, scenes: [f.scene]});
  }
  return [...found.values()].map(f => ({...f, scenes: [...new Set(f.scenes)]}));
}

const SAYS = {species: "is a", colour: "is", kind: "is a", accessory: "wears a", time: "is", weather: "is",
  mood: "feels", action: "is", position: "stands at the", has: "has the", lost: "gave up the", wants: "wants", got: "got",
  give: "gives to", exit: "leads to the"};
const says = what => SAYS[what] ?? what;

function sentence({what, value, words: told}) {
  if (told) return told;
  const words = says(what);
  return `${/ a$/.test(words) && /^[aeiou]/.test(value) ? `${words}n` : words} ${value}`;
}

export function truth() {
  const parts = Object.entries(store.story.ledger).map(([part, facts]) => [part, once(facts)]).filter(([, facts]) => facts.length);
  return el("div", {class: "view truth"}, el("h1", {}, "What is true"),
    el("p", {class: "quiet"}, "Everything that the story has made true, in the order in which it did. Another branch has a ledger of its own."),
    parts.length ? null : el("p", {}, "Nothing yet."),
    el("div", {class: "ledger"}, parts.map(([part, facts]) => el("section", {class: "paper-card"}, el("h2", {}, capital(part)),
      el("table", {}, el("thead", {}, el("tr", {}, ["Who or what", "What is so", "Told on"].map(h => el("th", {scope: "col"}, h)))),
        el("tbody", {}, facts.map(f => el("tr", {}, el("th", {scope: "row"}, f.who !== "scene" ? capital(f.who) : f.what === "place" ? "The story" : "It"), el("td", {}, sentence(f)),
          el("td", {}, f.scenes.map((id, i) => [i ? ", " : "", el("button", {type: "button", class: "page-link", onclick: () => goTo("book", id), "aria-label": `page ${pageNumber(id)}`}, i ? String(pageNumber(id)) : `page ${pageNumber(id)}`)]))))))))));
}
