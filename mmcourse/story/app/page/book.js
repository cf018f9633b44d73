/* The open book: one scene a spread, the ways on below it. */

import {quick, upload} from "./client.js";
import {button, capital, el, icon, pick, pictureOf, say} from "./dom.js";
import {doing, here, isBusy, node, pageNumber, setStory, store, trying} from "./store.js";
import {isReading, hush, pauseOrGoOn, readAloud, words} from "./aloud.js";
import {making} from "./making.js";
import {moving} from "./moving.js";

const MOVES = {wave: "waves", walk: "walks", fall: "things fall", sunset: "the sun sets"};
const STRIPS = ["orange", "teal", "rose", "blue", "violet", "moss"];

const SAFETY = {
  ok: "Safety checker of the pipeline: nothing to object",
  flagged: "Safety checker of the pipeline: held back",
  unchecked: "No safety checker looked at the picture",
  "drawn by rule": "Drawn by rule: nothing was generated that would need a safety checker",
};
const HELD_BACK = "The safety checker held back what was drawn, so this page stays black. Draw it again, or change the words.";

const path = () => store.story.path;
const redrawPage = () => document.querySelector(".book")?.replaceWith(book());
const act = async promise => {
  const at = store.at, got = await trying(promise);
  if (got) setStory(got.story, got.story.nodes[at] ? at : null);
  return got;
};
const job = async (data, onstep) => {
  const at = store.at, last = await doing({story: store.story.id, scene: at, ...data}, onstep);
  if (last?.story) setStory(last.story, at);
  return last;
};

/* Turn a page: -1 back, 1 on. */
export function turn(by) {
  const next = path()[path().indexOf(store.at) + by];
  if (!next || isBusy()) return;
  hush();
  store.at = next;
  redrawPage();
  say(`Page ${pageNumber(next)} of ${path().length}`, true);
}

export function book() {
  if (!path().includes(store.at)) store.at = store.story.current;
  const n = here(), i = path().indexOf(n.id);
  const page = el("article", {class: "book"},
    el("div", {class: "running-line"},
      el("h1", {class: "running"}, store.story.title),
      el("div", {class: "row"},
        button("undo", "Undo", () => act(quick("undo", {story: store.story.id})), {disabled: !store.story.canUndo}),
        button("redo", "Redo", () => act(quick("redo", {story: store.story.id})), {disabled: !store.story.canRedo}))),
    el("div", {class: "spread-box"},
      el("button", {type: "button", class: "turn back", disabled: i === 0, onclick: () => turn(-1), "aria-label": "Page before"}, icon("left")),
      spread(n, i),
      el("button", {type: "button", class: "turn on", disabled: i === path().length - 1, onclick: () => turn(1), "aria-label": "Next page"}, icon("right"))),
    onward(n), closer(n));
  return page;
}

function spread(n, i) {
  const text = words(n.text);
  const reading = button("play", "Read to me", () => {
    if (isReading()) return pauseOrGoOn();
    return readAloud(n.id, text, state => { label(reading, state); silence.hidden = state === "idle"; });
  }, {disabled: !store.abilities.narrator?.who, title: store.abilities.narrator?.why || null});
  const silence = button("stop", "Stop reading", hush, {hidden: true});
  const plate = el("div", {class: "plate"}, n.picture
    ? el("img", {src: pictureOf(n.picture), alt: n.picture.alt || "The picture of this page", width: n.picture.size[0], height: n.picture.size[1]})
    : el("div", {class: "no-picture"}, button("brush", "Draw this page", () => job({do: "redraw"}))));
  const marked = n.marked !== null;
  return el("div", {class: "spread"},
    el("div", {class: "leaf left"}, plate, n.picture?.safety === "flagged" ? el("p", {class: "note held-back"}, HELD_BACK) : null, pictureTools(n, plate), el("p", {class: "folio", "aria-hidden": "true"}, String(2 * i + 1))),
    el("div", {class: `leaf right${marked ? " is-marked" : ""}`},
      n.notes.length ? el("p", {class: "note"}, n.notes.join(" ")) : null, text,
      marked && n.marked ? el("p", {class: "note mine"}, n.marked) : null,
      el("div", {class: "row text-tools"}, reading, silence,
        button("star", marked ? "Take mark away" : "Mark", () => marked
          ? act(quick("mark", {story: store.story.id, scene: n.id, note: null})) : note(n)),
        button("pencil", "Change the words", () => change(n))),
      !store.abilities.narrator?.who ? el("p", {class: "quiet small"}, "No voice here: ", store.abilities.narrator?.why ?? "") : null,
      el("p", {class: "folio", "aria-label": `Page ${i + 1} of ${path().length}`}, String(2 * i + 2))));
}

function label(b, state) {
  const [picture, text] = {reading: ["pause", "Pause"], paused: ["play", "Go on reading"], idle: ["play", "Read to me"]}[state];
  b.replaceChildren(icon(picture), el("span", {}, text));
}

function pictureTools(n, plate) {
  if (!n.picture) return null;
  return el("div", {class: "row picture-tools"},
    n.moves.slice(0, 3).map(m => button("move", capital(MOVES[m]), () => moving(n, m, plate))),
    button("eye", "Look round", () => look(n, plate)),
    button("brush", "Draw again", () => job({do: "redraw"})));
}

/* The scene from four sides, in place of its picture; the first button brings it back. */
async function look(n, plate) {
  const before = [...plate.childNodes], views = el("div", {class: "views", role: "group", "aria-label": "This scene from other sides"});
  const big = el("img", {src: pictureOf(n.picture), alt: n.picture.alt, width: 256, height: 256});
  const choose = (src, alt) => () => { big.src = src; big.alt = alt; };
  views.append(el("button", {type: "button", class: "plain", onclick: () => plate.replaceChildren(...before)}, "Back to the picture"));
  plate.replaceChildren(big, views);
  await doing({do: "views", story: store.story.id, scene: n.id}, s => {
    if (s.kind !== "view") return;
    const src = `/made/${s.picture}`;
    views.append(el("button", {type: "button", class: "view", onclick: choose(src, `The scene ${s.name}`)}, el("img", {src, alt: "", width: 64, height: 64}), el("span", {}, s.name)));
  });
}

/* -- marking and changing ---------------------------------------------------------------------- */

function sheet(title, field, done, label) {
  const box = el("dialog", {class: "paper wide", "aria-labelledby": "sheet-title"},
    el("form", {method: "dialog", onsubmit: e => { e.preventDefault(); box.close(); done(field.value); }},
      el("h2", {id: "sheet-title"}, title), field,
      el("div", {class: "row end"}, button(null, "Not now", () => box.close(), {class: "plain"}), el("button", {class: "go", type: "submit"}, label))));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}

const note = n => sheet("Mark this moment", el("input", {type: "text", maxlength: 500, "aria-labelledby": "sheet-title", placeholder: "why it matters (or nothing)"}),
  text => act(quick("mark", {story: store.story.id, scene: n.id, note: text})), "Mark it");

const change = n => sheet("Change the words of this page", el("textarea", {rows: 9, maxlength: 8000, value: n.text, "aria-labelledby": "sheet-title"}),
  text => job({do: "edit", text}), "Write it down");

/* -- going on ------------------------------------------------------------------------------------ */

async function goOn(how) {
  if (isBusy()) return;
  hush();
  const scene = store.at, page = making(store.story.title);
  document.querySelector(".book").replaceWith(page.element);
  page.element.querySelector("h1").focus({preventScroll: true});
  page.element.scrollIntoView({block: "nearest"});
  const last = await doing({do: "go on", story: store.story.id, scene, ...how}, page.step, true);
  if (last?.story) { setStory(last.story); document.querySelector(".book h1")?.setAttribute("tabindex", "-1"); document.querySelector(".book h1")?.focus({preventScroll: true}); say(`Page ${store.story.path.length} is told`, true); return; }
  const got = await trying(quick("open", {story: store.story.id}));
  if (got) setStory(got.story, scene);
}

function onward(n) {
  const later = n.children.map(node), last = later.length === 0;
  const field = el("input", {type: "text", id: "next", maxlength: 2000, placeholder: "then they found a boat"});
  const file = el("input", {type: "file", accept: "image/*", id: "next-picture", class: "file", onchange: async e => {
    const got = e.target.files[0] && await trying(upload(e.target.files[0]));
    if (got) goOn({picture: got.picture, text: field.value});
  }});
  return el("section", {class: "onward"},
    el("h2", {}, last ? "What happens next?" : "It goes on from here. Or otherwise?"),
    last ? null : el("ul", {class: "later"}, later.map(c => el("li", {}, el("button", {type: "button", class: "plain",
      onclick: () => path().includes(c.id) ? turn(1) : act(quick("go", {story: store.story.id, scene: c.id})).then(() => { store.at = c.id; redrawPage(); })},
    icon("right"), `${c.chosen || c.asked || "As it was told"}`)))),
    n.choices.length ? el("ul", {class: "ways"}, n.choices.map((c, i) => el("li", {},
      el("button", {type: "button", class: `way ${STRIPS[i % 6]}`, onclick: () => goOn({choice: i})},
        el("span", {class: "title"}, capital(c.label)), el("span", {class: "because"}, c.reason))))) : null,
    el("form", {class: "line", onsubmit: e => { e.preventDefault(); goOn({text: field.value}); }},
      el("label", {for: "next"}, "Or say it yourself"), field,
      el("button", {type: "submit", class: "go"}, "Go on")),
    el("div", {class: "row"},
      el("label", {class: "tool like-button", for: "next-picture"}, icon("image"), el("span", {}, "Go on with a picture"), file),
      button("dice", "Surprise me", () => goOn({}))));
}

/* -- a closer look ------------------------------------------------------------------------------- */

function closer(n) {
  return el("section", {class: "closer"}, question(n), manner(), behind(n));
}

function question(n) {
  const field = el("input", {type: "text", id: "question", maxlength: 500, placeholder: n.picture ? "what colour is the lantern?" : "who is here?"});
  let which = n.picture ? "picture" : "story";
  const answer = el("div", {class: "answer", role: "status"});
  return el("details", {class: "slip"}, el("summary", {}, icon("ask"), "Ask about this page"),
    el("form", {onsubmit: async e => {
      e.preventDefault();
      answer.replaceChildren();
      const last = await doing({do: "ask", story: store.story.id, scene: n.id, question: field.value, which});
      if (last) answer.replaceChildren(el("p", {class: "said-answer"}, last.text), el("p", {class: "quiet small"}, `${capital(last.credit.who)}${last.because ? `: ${last.because}` : ""}`));
    }}, pick("Who answers", "which", [["picture", "whoever looks at the picture"], ["story", "whoever has read the story"]], which, v => { which = v; }),
    el("div", {class: "line"}, el("label", {for: "question"}, "Your question"), field, el("button", {type: "submit", class: "plain"}, "Ask"))), answer);
}

function manner() {
  const s = store.story, set = name => value => act(quick("choose", {story: s.id, [name]: value})).then(() => say("Done."));
  const title = el("input", {type: "text", id: "title", maxlength: 200, value: s.title});
  return el("details", {class: "slip"}, el("summary", {}, icon("brush"), "Title, style, voice, pictures"),
    el("form", {class: "line", onsubmit: e => { e.preventDefault(); if (title.value.trim()) set("title")(title.value.trim()); }},
      el("label", {for: "title"}, "The title"), title, el("button", {type: "submit", class: "plain"}, "Change it")),
    pick("The next pictures by", "next-style", store.choices.styles.map(x => [x, x, `/world/style-${x}.png`]), s.style, set("style"), "swatches"),
    el("div", {class: "row"}, button("brush", "Draw the whole book again in this style", () => job({do: "restyle", style: store.story.style}))),
    pick("The next pages told by a voice that is", "next-voice", [["", "as it comes"], ...store.choices.voices.map(v => [v.name, v.name])], s.voice, set("voice")),
    pick("Pictures for", "next-every", [["1", "every page"], ["2", "every other page"], ["0", "no page"]], String(s.every), v => set("every")(Number(v))),
    tone(s, set("tone")));
}

function tone(s, set) {
  const field = el("input", {type: "text", id: "mood-now", maxlength: 300, placeholder: "I am a little tired now"});
  const told = el("p", {role: "status", class: "small"}, store.mood?.because ? `What was read: ${store.mood.because}.` : "");
  const read = async job_ => {
    const last = await doing({do: "mood", ...job_});
    if (last) { store.mood = last; store.tone = last.tone; await set(last.tone); }
  };
  return el("form", {onsubmit: e => { e.preventDefault(); if (field.value.trim()) read({text: field.value}); }}, told,
    el("div", {class: "line"}, el("label", {for: "mood-now"}, "How are you now?"), field, el("button", {type: "submit", class: "plain"}, "Choose the tone")),
    pick("Or a tone that is", "next-tone", [["", "as it comes"], ...store.choices.tones.map(t => [t, t])], s.tone, t => { store.tone = t; store.mood = null; set(t); }));
}

const list = (title, items) => items.length ? [el("h3", {}, title), el("ul", {}, items.map(x => el("li", {}, x)))] : null;

function behind(n) {
  const p = n.picture;
  const credits = n.credits.map(c => `${capital(c.ability)}: ${c.who}${c.why ? ` (${c.why})` : ""}`);
  const checks = (p?.findings ?? []).map(f => `${f.passed ? "right" : "not right"}: ${f.what}${f.expected && !f.passed ? `, ${f.expected} was asked for, ${f.found} is seen` : ""}`);
  const next = el("div", {role: "status"});
  const remember = async () => {
    const got = await trying(quick("context", {story: store.story.id}));
    if (got) next.replaceChildren(el("p", {class: "quiet small"}, `${got.tokens} of at most ${got.budget} tokens`),
      el("ul", {}, got.items.map(i => el("li", {}, `${i.kept ? "kept" : "dropped"} ${i.kind}: ${i.text} (${i.why})`))));
  };
  return el("details", {class: "slip behind"}, el("summary", {}, icon("eye"), "What went into this page"),
    list("Who did it", [...credits, ...(p ? [`Picture: ${p.drawn.who}${p.drawn.why ? ` (${p.drawn.why})` : ""}`, SAFETY[p.safety] ?? p.safety] : [])]),
    n.asked ? list("What you said", [n.asked]) : null,
    list("What the checks found", checks.concat(p?.failed ? [`${p.failed} earlier ${p.failed === 1 ? "try was" : "tries were"} not good enough`] : [])),
    list("What was remembered while it was written, and what was dropped", n.remembered),
    el("div", {class: "row"}, button("eye", "What would be remembered for the next page?", remember)), next,
    list("Who and what was found in it", [...n.found.characters, ...n.found.settings, ...n.found.points]),
    list("Earlier words", n.texts),
    n.pictures.length ? [el("h3", {}, "Earlier pictures"), el("div", {class: "strip"}, n.pictures.map(q => el("img", {src: pictureOf(q), alt: q.alt, width: 96, height: 96, loading: "lazy"})))] : null);
}

