/* A sheet to draw on: one's own hero, or a face that shows how one feels. */

import {upload} from "./client.js";
import {button, el, icon, pick, say} from "./dom.js";
import {heroPicture} from "./home.js";
import {doing, stop, store, trying} from "./store.js";

const INKS = {ink: "#2b2a33", red: "#d5433b", orange: "#ef8a2c", yellow: "#f6cf45", green: "#4f9d57",
  blue: "#3b77c6", purple: "#8a55b8", pink: "#f07fae", white: "#f7f2ea"};
const SIDE = 384;

function pad(label) {
  const canvas = el("canvas", {class: "pad", role: "img", "aria-label": label});
  canvas.width = canvas.height = SIDE;
  const pen = canvas.getContext("2d", {willReadFrequently: true});
  const past = [];
  let ink = "ink", width = 10, last = null, used = false;
  const clear = () => { pen.fillStyle = "#fffdf8"; pen.fillRect(0, 0, SIDE, SIDE); used = false; };
  const at = e => { const r = canvas.getBoundingClientRect();
    return [(e.clientX - r.left) / r.width * SIDE, (e.clientY - r.top) / r.height * SIDE]; };
  const line = ([x, y]) => {
    Object.assign(pen, {strokeStyle: INKS[ink], lineWidth: width, lineCap: "round", lineJoin: "round"});
    pen.beginPath(); pen.moveTo(...(last ?? [x, y])); pen.lineTo(x, y + 0.01); pen.stroke();
    last = [x, y];
  };
  canvas.addEventListener("pointerdown", e => { past.push(pen.getImageData(0, 0, SIDE, SIDE)); past.splice(0, past.length - 20);
    canvas.setPointerCapture(e.pointerId); used = true; last = null; line(at(e)); });
  canvas.addEventListener("pointermove", e => { if (last) e.getCoalescedEvents?.().length ? e.getCoalescedEvents().forEach(p => line(at(p))) : line(at(e)); });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
  clear();
  const tools = el("div", {class: "pad-tools"},
    el("fieldset", {class: "inks"}, el("legend", {}, "Colour"), Object.entries(INKS).map(([name, colour]) => el("label", {},
      el("input", {type: "radio", name: "ink", value: name, checked: name === "ink", onchange: () => { ink = name; }}),
      el("span", {class: "blot", style: {background: colour}}), el("span", {class: "unseen"}, name)))),
    pick("Pen", "pen", [["4", "fine"], ["10", "middle"], ["26", "broad"], ["60", "very broad"]], "10", v => { width = Number(v); }),
    el("div", {class: "row"},
      button("undo", "Undo", () => { const before = past.pop(); if (before) pen.putImageData(before, 0, 0); }),
      button("bin", "New sheet", () => { past.push(pen.getImageData(0, 0, SIDE, SIDE)); clear(); })));
  return {canvas, tools, used: () => used, blob: () => new Promise(done => canvas.toBlob(done, "image/png"))};
}

function dialog(title, ...inside) {
  const box = el("dialog", {class: "paper wide", "aria-labelledby": "dialog-title"},
    el("h2", {id: "dialog-title"}, title), inside);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}

/* -- a hero ---------------------------------------------------------------------------------------- */

export function drawHero(done) {
  const sheet = pad("Your drawing");
  let hero = {name: "Pip", looks: {species: "fox", colour: "orange", accessory: "none"}, identity: []};
  const picture = el("img", {class: "likeness", alt: "", width: 192, height: 192});
  const found = el("p", {role: "status", class: "found-as"}, "Draw somebody and let the world look, or choose here who it is.");
  const selects = {};
  const choice = (name, label, values) => {
    selects[name] = el("select", {id: `hero-${name}`, onchange: e => {
      hero.looks[name] = e.target.value;
      show();
    }}, values.map(v => el("option", {value: v}, v)));
    return el("label", {for: `hero-${name}`}, label, selects[name]);
  };
  const form = el("div", {class: "looks"}, choice("species", "It is a", store.choices.species), choice("colour", "of colour", store.choices.colours),
    choice("accessory", "wearing", store.choices.accessories),
    el("label", {for: "hero-name"}, "called", selects.name = el("input", {type: "text", id: "hero-name", maxlength: 40, list: "hero-names",
      autocomplete: "off", oninput: e => { hero.name = e.target.value.trim() || "Pip"; picture.alt = hero.name; }})),
    el("datalist", {id: "hero-names"}, store.choices.names.map(v => el("option", {value: v}))));
  const show = () => {
    for (const [name, e] of Object.entries(selects)) e.value = name === "name" ? hero.name : hero.looks[name];
    picture.src = heroPicture(hero);
    picture.alt = `${hero.name}, ${hero.looks.colour} ${hero.looks.species}`;
  };
  const look = async blob => {
    found.textContent = "Looking at your drawing…";
    const got = await trying(upload(blob));
    const last = got && await doing({do: "hero", picture: got.picture});
    if (!last) { found.textContent = document.getElementById("said").textContent; return; }
    hero = {name: last.name || hero.name, looks: {accessory: "none", ...last.looks}, identity: last.identity};
    found.replaceChildren(`The world knows somebody like that: ${hero.looks.colour} ${hero.looks.species}. Not right? Mend it below, or is it rather `,
      ...last.others.flatMap((kind, i) => [i ? ", " : "", el("button", {type: "button", class: "page-link", onclick: () => { hero.looks.species = kind; show(); }}, kind)]), "?");
    show();
  };
  const file = el("input", {type: "file", accept: "image/*", id: "hero-file", class: "file",
    onchange: e => { if (e.target.files[0]) look(e.target.files[0]); }});
  const other = () => { hero.identity = Array.from({length: 8}, () => Math.random() * 2 - 1); show(); };
  const box = dialog("Your own hero",
    el("div", {class: "two"},
      el("div", {}, sheet.canvas, sheet.tools,
        el("div", {class: "row"}, button("eye", "Who is this?", async () => sheet.used() ? look(await sheet.blob()) : say(found.textContent = "The sheet is still empty.")),
          el("label", {class: "tool like-button", for: "hero-file"}, icon("image"), el("span", {}, "Or a photo of it"), file))),
      el("div", {}, picture, found, form, el("div", {class: "row"}, button("dice", "Other markings", other)))),
    el("div", {class: "row end"}, button(null, "Not now", () => box.close(), {class: "plain"}),
      button(null, "This is my hero", () => { box.close(); done(hero); }, {class: "go"})));
  box.addEventListener("close", stop);  // whoever closes it does not wait for an answer
  show();
}

/* -- a face ---------------------------------------------------------------------------------------- */

export function drawFace(done) {
  const ask = dialog("May the storyteller look at a face that you draw?",
    el("p", {}, "It looks once, to choose a tone. The drawing is forgotten right after, and you can choose another tone at any time."),
    el("div", {class: "row end"}, button(null, "No, thank you", () => ask.close(), {class: "plain"}),
      button(null, "Yes, look once", () => { ask.close(); sheetForFace(done); }, {class: "go"})));
}

function sheetForFace(done) {
  const sheet = pad("The face that you draw");
  const box = dialog("How do you feel? Draw a face", el("div", {class: "two"}, sheet.canvas, sheet.tools),
    el("div", {class: "row end"}, button(null, "Not now", () => box.close(), {class: "plain"}),
      button(null, "Look at it", async () => {
        const got = await trying(upload(await sheet.blob()));
        box.close();
        if (got) done(got.picture);
      }, {class: "go"})));
}

