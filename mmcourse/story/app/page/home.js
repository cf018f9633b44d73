/* The first page: how a story can begin, and the stories that there are. */

import {load, quick, upload} from "./client.js";
import {button, capital, el, icon, pick, say} from "./dom.js";
import {drawFace, drawHero} from "./drawing.js";
import {making} from "./making.js";
import {doing, isBusy, setStory, store, trying} from "./store.js";

const draft = {prompt: "", style: "", voice: "", every: "1", hero: null, picture: null, touched: false};

function preferred() {
  if (draft.touched || !store.likes) return;
  const best = store.likes.best;
  draft.style ||= best.style || "";
  draft.voice ||= best.voice || "";
  draft.every = best.every || draft.every;
}

export function home() {
  preferred();
  return el("div", {class: "home"}, opening(), invitations(), own(), mood(), manner(), shelf());
}

/* -- a sentence ------------------------------------------------------------------------------- */

function opening() {
  const read = el("p", {class: "read-as", id: "read-as", role: "status"});
  let waiting = 0;
  const field = el("textarea", {id: "prompt", rows: 2, maxlength: 2000, value: draft.prompt,
    placeholder: "a fox finds a lantern on the beach", "aria-describedby": "read-as", oninput: e => {
      draft.prompt = e.target.value;
      clearTimeout(waiting);
      waiting = setTimeout(async () => {
        const told = draft.prompt.trim() ? await trying(quick("read", {text: draft.prompt})) : {text: ""};
        read.textContent = told?.text ?? "";
      }, 350);
    }, onkeydown: e => {
      if (e.key === "Enter" && !e.shiftKey) { e.preventDefault(); begin({prompt: draft.prompt}); }
    }});
  return el("form", {class: "opening", onsubmit: e => { e.preventDefault(); begin({prompt: draft.prompt}); }},
    el("h1", {}, "What shall the story be about?"),
    el("label", {class: "say", for: "prompt"}, "One sentence is enough. Say it as you would say it to a friend."),
    el("div", {class: "line"}, field, el("button", {class: "go", type: "submit"}, "Tell it")),
    read, brought());
}

function brought() {
  const parts = [];
  if (draft.hero) parts.push(el("span", {class: "brought"},
    el("img", {src: heroPicture(draft.hero), alt: "", width: 56, height: 56}),
    `${draft.hero.name}, your ${draft.hero.looks.colour} ${draft.hero.looks.species}, will be in it`,
    button("bin", "Leave out", () => { draft.hero = null; again(); })));
  if (draft.picture) parts.push(el("span", {class: "brought"},
    el("img", {src: `/made/${draft.picture}`, alt: "Your picture", width: 56, height: 56}),
    "It begins in your picture",
    button("bin", "Leave out", () => { draft.picture = null; again(); })));
  return parts.length ? el("div", {class: "brought-all"}, parts) : null;
}

export const heroPicture = hero => "/world/hero.png?" + new URLSearchParams({
  ...hero.looks, identity: (hero.identity ?? []).map(x => x.toFixed(3)).join(",")});

function again() {
  document.querySelector(".home")?.replaceWith(home());
}

async function begin(how) {
  if (isBusy()) return;
  const page = making("The first page");
  document.getElementById("main").replaceChildren(page.element);
  page.element.querySelector("h1").focus();
  const last = await doing({do: "start", title: "", style: draft.style, voice: draft.voice, every: draft.every,
    tone: store.tone, seed: crypto.getRandomValues(new Uint16Array(1))[0], hero: draft.hero,
    picture: draft.picture, ...how}, page.step, true);
  if (!last?.story) { const main = document.getElementById("main"); main.replaceChildren(home());
    document.getElementById("prompt").focus(); return; }
  Object.assign(draft, {prompt: "", hero: null, picture: null});
  setStory(last.story);
  location.hash = `#/s/${last.story.id}/book`;
}

/* -- twelve invitations ------------------------------------------------------------------------ */

function invitations() {
  return el("section", {class: "invitations"}, el("h2", {}, "Or open one of these"),
    el("ul", {}, store.choices.invitations.map((one, i) => el("li", {},
      el("button", {type: "button", class: "invitation", onclick: () => begin({prompt: one.prompt})},
        el("img", {src: `/world/invitation-${i}.png${draft.style ? `?style=${draft.style}` : ""}`, alt: "",
          width: 256, height: 256, loading: "lazy"}),
        el("span", {class: "title"}, one.title), el("span", {class: "prompt"}, capital(one.prompt)))))));
}

/* -- a hero or a picture of one's own ------------------------------------------------------------ */

function own() {
  const file = el("input", {type: "file", accept: "image/*", id: "first-picture", class: "file",
    onchange: async e => {
      const chosen = e.target.files[0];
      const got = chosen && await trying(upload(chosen));
      if (got) { draft.picture = got.picture; again(); say("Your picture is here. Tell it, or write a sentence as well."); }
    }});
  return el("section", {class: "own"}, el("h2", {}, "Or bring something of your own"),
    el("div", {class: "slips"},
      el("div", {class: "slip"}, el("h3", {}, "Your own hero"),
        el("p", {}, "Draw somebody, here or on paper. The world looks who of its animals is most like yours, and you can mend what it got wrong."),
        button("brush", "Draw a hero", () => drawHero(hero => { draft.hero = hero; again(); document.getElementById("prompt").focus(); }))),
      el("div", {class: "slip"}, el("h3", {}, "A picture"),
        el("p", {}, "The story begins in what your picture shows. It stays on this machine."),
        el("label", {class: "tool like-button", for: "first-picture"}, icon("image"), el("span", {}, "Choose a picture"), file))));
}

/* -- the mood of the day -------------------------------------------------------------------------- */

function mood() {
  const told = el("p", {class: "mood-read", role: "status"}, moodWords());
  const read = async job => {
    const last = await doing({do: "mood", ...job});
    if (!last) return;
    Object.assign(store, {tone: last.tone, mood: last});
    again();
    document.querySelector(".mood-read")?.scrollIntoView({block: "nearest"});
  };
  const field = el("input", {type: "text", id: "mood-text", maxlength: 300, placeholder: "today was long, and my shoes are wet"});
  return el("section", {class: "mood"}, el("h2", {}, "How are you today?"),
    el("p", {class: "quiet"}, "Only if you like. It changes the tone of the story, and is not kept."),
    el("div", {class: "faces"}, store.choices.moods.map(m =>
      el("button", {type: "button", class: "face", onclick: () => read({told: m})},
        el("img", {src: `/world/mood-${m}.png`, alt: "", width: 84, height: 84, loading: "lazy"}), el("span", {}, capital(m)))),
      el("button", {type: "button", class: "face", onclick: () => drawFace(face => read({face}))}, icon("brush"), el("span", {}, "Draw a face"))),
    el("form", {class: "line", onsubmit: e => { e.preventDefault(); if (field.value.trim()) read({text: field.value}); }},
      el("label", {for: "mood-text"}, "Or say it"), field, el("button", {type: "submit", class: "plain"}, "Read it")), told,
    pick("Told in a tone that is", "tone", [["", "as it comes"], ...store.choices.tones.map(t => [t, t])], store.tone,
      value => { Object.assign(store, {tone: value, mood: null}); told.replaceChildren(); }));
}

function moodWords() {
  if (!store.mood) return [];
  const {mood: felt, tone, because} = store.mood;
  return [`${felt ? `${capital(felt)}. ` : ""}The story will be told ${tone ? `in a ${tone} tone` : "as it comes"}${because ? ` (${because})` : ""}. You can choose another below.`];
}

/* -- style, voice, pictures ------------------------------------------------------------------------ */

function manner() {
  const set = name => value => { draft[name] = value; draft.touched = true; };
  return el("section", {class: "manner"}, el("h2", {}, "How it looks and sounds"),
    pick("Pictures by", "style", [["", "as it comes"], ...store.choices.styles.map(s => [s, s, `/world/style-${s}.png`])], draft.style,
      value => { set("style")(value); document.querySelector(".invitations").replaceWith(invitations()); }, "swatches"),
    pick("Told by a voice that is", "voice", [["", "as it comes"], ...store.choices.voices.map(v => [v.name, v.name])], draft.voice, set("voice")),
    pick("Pictures for", "every", [["1", "every page"], ["2", "every other page"], ["0", "no page"]], draft.every, set("every")));
}

/* -- the shelf ------------------------------------------------------------------------------------- */

function shelf() {
  const file = el("input", {type: "file", accept: ".zip", id: "load", class: "file", onchange: async e => {
    const got = e.target.files[0] && await trying(load(e.target.files[0]));
    if (got) { setStory(got.story); location.hash = `#/s/${got.story.id}/book`; }
  }});
  return el("section", {class: "shelf"}, el("h2", {}, store.shelf.length ? "Your stories" : "A story from elsewhere"),
    el("ul", {}, store.shelf.map(s => el("li", {},
      el("a", {class: "cover", href: `#/s/${s.id}/book`},
        s.cover ? el("img", {src: `/picture/${s.cover}.png`, alt: "", width: 256, height: 256, loading: "lazy"}) : el("span", {class: "no-cover"}),
        el("span", {class: "title"}, s.title), el("span", {class: "quiet"}, `${s.scenes} ${s.scenes === 1 ? "page" : "pages"}`)),
      button("bin", "Throw away", () => sure(s), {"aria-label": `Throw away ${s.title}`})))),
    el("div", {class: "row"}, el("label", {class: "tool like-button", for: "load"}, icon("book"), el("span", {}, "Open a story from a file (.zip)"), file)));
}

function sure(s) {
  const box = el("dialog", {class: "paper", "aria-labelledby": "sure-title"},
    el("h2", {id: "sure-title"}, `Throw ${s.title} away?`), el("p", {}, "All its branches and pictures go. This cannot be undone."),
    el("div", {class: "row"},
      button("bin", "Throw it away", async () => {
        const left = await trying(quick("erase", {story: s.id}));
        box.close();
        if (left) { store.shelf = left.shelf; if (store.story?.id === s.id) store.story = null; again(); say(`${s.title} is gone.`); }
      }), button(null, "Keep it", () => box.close(), {class: "plain"})));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}
