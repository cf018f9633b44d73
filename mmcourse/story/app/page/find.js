/* Find a page again: by words over all stories, or by words or a picture among this one's pictures. */

import {quick, upload} from "./client.js";
import {el, icon, say} from "./dom.js";
import {goTo} from "./main.js";
import {doing, pageNumber, setStory, store, trying} from "./store.js";

export function find() {
  const results = el("div", {class: "results", role: "status"});
  const field = el("input", {type: "search", id: "find-words", maxlength: 500, placeholder: "lantern"});
  const byWords = async () => {
    const got = await trying(quick("search", {words: field.value}));
    if (got) results.replaceChildren(got.hits.length ? el("ul", {class: "hits"}, got.hits.map(hit)) : el("p", {}, "No page has all these words."));
  };
  const byPicture = async query => {
    const last = await doing({do: "find", story: store.story.id, ...query});
    if (last) results.replaceChildren(last.hits.length ? el("ul", {class: "hits pictures"}, last.hits.map(seen)) : el("p", {}, "There are no pictures in this story yet."));
  };
  const file = el("input", {type: "file", accept: "image/*", id: "find-picture", class: "file", onchange: async e => {
    const got = e.target.files[0] && await trying(upload(e.target.files[0]));
    if (got) byPicture({picture: got.picture});
  }});
  return el("div", {class: "view find"}, el("h1", {}, "Find"),
    el("form", {class: "line", onsubmit: e => { e.preventDefault(); byWords(); }}, el("label", {for: "find-words"}, "A page with these words"), field,
      el("button", {type: "submit", class: "go"}, "Find")),
    el("div", {class: "row"}, el("button", {type: "button", class: "tool", onclick: () => field.value.trim() ? byPicture({words: field.value}) : say("Say first what the picture shows.")}, icon("image"), el("span", {}, "Find a picture of this")),
      el("label", {class: "tool like-button", for: "find-picture"}, icon("search"), el("span", {}, "Find a picture like mine"), file)), results);
}

/* The words that were found stand between [ ]. */
function lit(snippet) {
  return snippet.split(/(\[[^\]]*\])/).map(x => x.startsWith("[") && x.endsWith("]") ? el("mark", {}, x.slice(1, -1)) : x);
}

function hit(h) {
  const open = async () => {
    const here = h.story === store.story.id;
    if (here && store.story.path.includes(h.scene)) return goTo("book", h.scene);
    const opened = here ? null : await trying(quick("open", {story: h.story}));
    if (!here && !opened) return;
    const on = opened?.story.path.includes(h.scene) ? opened : await trying(quick("go", {story: h.story, scene: h.scene}));
    if (on) { setStory(on.story, h.scene); goTo("book", h.scene); }
  };
  return el("li", {}, el("button", {type: "button", class: "hit", onclick: open}, el("span", {class: "title"}, h.title), el("span", {}, lit(h.snippet))));
}

const seen = h => el("li", {}, el("button", {type: "button", class: "hit", onclick: () => goTo("book", h.scene)},
  el("img", {src: `/picture/${h.hash}.png`, alt: h.alt, width: 128, height: 128}),
  el("span", {}, `page ${pageNumber(h.scene)}`), el("span", {class: "quiet small"}, `alike to ${Math.round(100 * Math.max(0, h.similarity))} in 100`)));
