/* A picture in motion: its frames, as they come, then round and round until it is stopped. */

import {el, icon, pictureOf} from "./dom.js";
import {doing, store} from "./store.js";

const A_FRAME = 130;

export async function moving(n, move, plate) {
  const before = [...plate.childNodes], frames = [];
  let at = 0, playing = true, over = false;
  const img = el("img", {src: pictureOf(n.picture), alt: n.picture.alt, width: 320, height: 320, class: "frame"});
  const toggle = el("button", {type: "button", class: "tool"}, icon("pause"), el("span", {}, "Pause"));
  const back = el("button", {type: "button", class: "tool", onclick: () => { over = true; plate.replaceChildren(...before); }}, icon("stop"), el("span", {}, "Still picture"));
  toggle.addEventListener("click", () => { playing = !playing;
    toggle.replaceChildren(icon(playing ? "pause" : "play"), el("span", {}, playing ? "Pause" : "Play")); });
  plate.replaceChildren(img, el("div", {class: "row motion-tools"}, toggle, back));
  toggle.focus();
  const last = await doing({do: "animate", story: store.story.id, scene: n.id, move}, async s => {
    if (s.kind !== "frame") return;
    const frame = new Image();
    frame.src = `/made/${s.picture}`;
    frames.push(frame);
  });
  if (!last) { plate.replaceChildren(...before); return; }
  await Promise.all(frames.map(f => f.decode().catch(() => {})));
  const there = [...frames, ...(move === "walk" || move === "fall" ? [] : [...frames].reverse())];
  let shown = 0;
  const next = now => {
    if (over || !img.isConnected) return;
    if (playing && now - shown > A_FRAME) { img.src = there[at % there.length].src; at += 1; shown = now; }
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}
