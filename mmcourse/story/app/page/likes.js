/* What a reader likes: told by them or learned from what they choose; seen, taken along, erased. */

import {quick} from "./client.js";
import {button, capital, el, pick, say} from "./dom.js";
import {store, trying} from "./store.js";

async function tell(changes) {
  const got = await trying(quick("tell", {likes: changes}));
  if (got) { store.likes = got; again(); say("Kept."); }
}

const again = () => document.querySelector(".likes")?.replaceWith(likes());

async function takeAlong() {
  const got = await trying(quick("take-likes"));
  if (!got) return;
  const link = el("a", {href: URL.createObjectURL(new Blob([got.text], {type: "application/json"})), download: "what-i-like.json"});
  link.click();
  say("Saved as what-i-like.json.");
}

async function forget() {
  const got = await trying(quick("forget"));
  if (got) { store.likes = got; again(); say("All of it is forgotten."); }
}

export function likes() {
  const known = store.likes ?? {told: {}, counts: {}, best: {}}, told = known.told;
  const choose = name => value => tell({[name]: value === "" ? null : value});
  const open = [["", "no wish"]];
  const counts = Object.entries(known.counts).flatMap(([name, values]) => Object.entries(values).map(([v, n]) => `${capital(name)}: ${v}, chosen ${n === 1 ? "once" : `${n} times`}`));
  return el("div", {class: "view likes"}, el("h1", {}, "What I like"),
    el("p", {class: "quiet"}, "New stories begin like this. It is kept on this machine, for this browser alone."),
    pick("Pictures by", "like-style", [...open, ...store.choices.styles.map(s => [s, s, `/world/style-${s}.png`])], told.style ?? "", choose("style"), "swatches"),
    pick("A voice that is", "like-voice", [...open, ...store.choices.voices.map(v => [v.name, v.name])], told.voice ?? "", choose("voice")),
    el("ul", {class: "lines quiet"}, store.choices.voices.map(v => el("li", {}, `${capital(v.name)}: “${v.says}”`))),
    pick("Pictures for", "like-every", [...open, ["1", "every page"], ["2", "every other page"], ["0", "no page"]], told.every === undefined ? "" : String(told.every), choose("every")),
    pick("Reading aloud", "like-pace", [...open, ["0.8", "slowly"], ["1", "as the voice likes"], ["1.25", "quickly"]], told.pace === undefined ? "" : String(told.pace), v => tell({pace: v === "" ? null : Number(v)})),
    el("section", {class: "paper-card"}, el("h2", {}, "What your choices tell"),
      counts.length ? el("ul", {class: "lines"}, counts.map(x => el("li", {}, x))) : el("p", {}, "Nothing yet. What you choose twice is offered first."),
      el("div", {class: "row"}, button("download", "Take all of it along", takeAlong), button("bin", "Forget all of it", forget))));
}
