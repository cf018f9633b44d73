/* Copies to take along. */

import {el, icon, say} from "./dom.js";
import {doing, store} from "./store.js";

const KINDS = [
  ["html", "One page", "opens in any browser, with pictures, type and, if you like, the voice inside"],
  ["epub", "A book for e-readers", "with the gallery of its characters"],
  ["pdf", "To print", "pages for paper and scissors"],
  ["gif", "An animated picture book", "plays anywhere"],
  ["mp4", "A film", "where this machine can make one"],
  ["zip", "Everything", "all branches and records; loads back as it is"],
];
const SPOKEN = ["html", "epub", "mp4"];
const size = n => n > 1e6 ? `${(n / 1e6).toFixed(1)} MB` : `${Math.max(1, Math.round(n / 1e3))} kB`;

export function take() {
  const voice = el("input", {type: "checkbox", id: "aloud", disabled: !store.abilities.narrator?.who});
  const make = async (kind, slot) => {
    slot.replaceChildren("Being made…");
    const last = await doing({do: "copy", story: store.story.id, kind, aloud: voice.checked && SPOKEN.includes(kind)});
    slot.replaceChildren();
    if (!last) { slot.textContent = document.getElementById("said").textContent; return; }
    const link = el("a", {href: `/made/${last.file}`, download: last.name, class: "made"}, icon("download"), `${last.name} (${size(last.bytes)})`);
    slot.append(link);
    link.focus();
    say("Ready.");
  };
  return el("div", {class: "view take"}, el("h1", {}, "Take along"),
    el("p", {class: "quiet"}, "The pages of the path that is open, in the order of the book."),
    el("p", {}, voice, el("label", {for: "aloud"}, " with the voice that reads it aloud (page, e-reader, film)")),
    el("ul", {class: "copies"}, KINDS.map(([kind, name, what]) => {
      const slot = el("span", {class: "slot", role: "status"});
      return el("li", {class: "paper-card"}, el("button", {type: "button", class: "copy", onclick: () => make(kind, slot)}, el("span", {class: "title"}, name), el("span", {class: "quiet"}, what), el("span", {class: "ending"}, `.${kind}`)), slot);
    })));
}
