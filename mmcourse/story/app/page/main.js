/* Which view is shown: #/ is the shelf, #/likes what is liked, #/s/STORY/VIEW/PAGE a story. */

import {quick} from "./client.js";
import {el, icon, say} from "./dom.js";
import {onStory, setStory, stop, store, trying} from "./store.js";
import {home} from "./home.js";
import {book, turn} from "./book.js";
import {tree} from "./tree.js";
import {people} from "./people.js";
import {places} from "./places.js";
import {truth} from "./truth.js";
import {find} from "./find.js";
import {likes} from "./likes.js";
import {take} from "./take.js";
import {hush} from "./aloud.js";

const VIEWS = {
  book: ["Book", "book", book], branches: ["Branches", "tree", tree],
  people: ["Characters", "people", people], places: ["Places", "map", places],
  truth: ["What is true", "list", truth], find: ["Find", "search", find],
  take: ["Take along", "download", take],
};
const main = document.getElementById("main"), tabs = document.getElementById("tabs");
let view = "home";

const address = name => `#/s/${store.story.id}/${name}`;
export const goTo = (name, page = null) => {
  if (page) store.at = page;
  const next = address(name);
  if (location.hash === next) show(); else location.hash = next;
};

function drawTabs() {
  tabs.hidden = !store.story || view === "home" || view === "likes";
  if (tabs.hidden) return;
  tabs.replaceChildren(...Object.entries(VIEWS).map(([name, [label, picture]]) =>
    el("a", {href: address(name), "aria-current": view === name ? "page" : null},
      icon(picture), el("span", {}, label))));
  const open = tabs.querySelector("[aria-current]");
  if (open) tabs.scrollLeft = open.offsetLeft - tabs.offsetLeft - tabs.clientWidth / 2 + open.clientWidth / 2;
}

function drawTheme() {
  const dark = document.documentElement.dataset.theme === "dark";
  const e = document.getElementById("theme");
  e.replaceChildren(icon(dark ? "sun" : "moon"), el("span", {}, dark ? "Day" : "Night"));
}

/* Draw the view that is open; the focus goes to its heading when the reader came from another. */
function show(arrived = false) {
  hush();
  const made = view === "home" ? home() : view === "likes" ? likes() : VIEWS[view][2]();
  main.replaceChildren(made);
  main.dataset.view = view;
  drawTabs();
  const title = store.story && !["home", "likes"].includes(view) ? `${store.story.title} · ` : "";
  document.title = `${title}The storyteller`;
  if (!arrived) return;
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({preventScroll: true});
}

async function route(first = false) {
  const [, kind, id, name] = location.hash.split("/");
  stop();
  if (kind === "s" && VIEWS[name]) {
    if (store.story?.id !== id) {
      const opened = await trying(quick("open", {story: id}));
      if (!opened) { location.hash = "#/"; return; }
      view = name;
      setStory(opened.story);
    }
    view = name;
  } else {
    view = kind === "likes" ? "likes" : "home";
    if (!first) Object.assign(store, await quick("hello"));
  }
  show(!first);
}

async function begin() {
  document.getElementById("to-likes").append(icon("heart"), el("span", {}, "What I like"));
  document.getElementById("theme").addEventListener("click", () => { window.turnTheme(); drawTheme(); });
  document.getElementById("working-stop").addEventListener("click", stop);
  drawTheme();
  store.choices = await (await fetch("/choices")).json();
  view = location.hash.startsWith("#/likes") ? "likes" : "home";
  if (!location.hash.startsWith("#/s/")) show();
  document.documentElement.dataset.ready = "page";
  Object.assign(store, await quick("hello"));
  onStory(() => { if (view !== "home" && view !== "likes") show(); });
  addEventListener("hashchange", () => route());
  await route(true);
  document.documentElement.dataset.ready = "all";
}

addEventListener("keydown", event => {
  if (event.target.closest("input, textarea, select, dialog, [role=slider]") || event.metaKey || event.ctrlKey || event.altKey) return;
  if (view === "book" && event.key === "ArrowLeft") turn(-1);
  if (view === "book" && event.key === "ArrowRight") turn(1);
  if (event.key === "Escape") { stop(); hush(); }
});

begin().catch(error => say(error.message));
