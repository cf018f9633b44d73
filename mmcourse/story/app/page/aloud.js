/* Reading aloud: one stretch after another, the word that is being spoken lit, to be paused. */

import {el, say} from "./dom.js";
import {doing, stop, store} from "./store.js";

let now = null;

/* A text as words that can be lit. Each knows its place, counted in characters as Python counts. */
export function words(text) {
  const out = el("div", {class: text.length < 320 ? "words is-short" : "words"});
  let at = 0;
  for (const piece of text.split(/(\s+)/)) {
    const length = Array.from(piece).length;
    if (/\S/.test(piece)) { const e = el("span", {}, piece); e.dataset.a = at; e.dataset.b = at + length; out.append(e); }
    else if (piece) out.append(piece);
    at += length;
  }
  return out;
}

export function hush() {
  if (!now) return;
  const old = now;
  now = null;
  old.audio?.pause();
  old.box.querySelectorAll(".is-spoken").forEach(e => e.classList.remove("is-spoken"));
  old.change("idle");
  stop();
}

export function pauseOrGoOn() {
  if (!now) return;
  now.paused = !now.paused;
  if (now.paused) now.audio?.pause(); else now.audio?.play();
  now.change(now.paused ? "paused" : "reading");
}

export const isReading = () => now !== null;

/* Read a scene aloud. `box` holds its `words`; `change` is told "reading", "paused", "idle". */
export async function readAloud(scene, box, change) {
  hush();
  const me = now = {box, change, audio: null, paused: false, queue: [], done: false, wake: null};
  change("reading");
  const all = [...box.querySelectorAll("span[data-a]")];
  const making = doing({do: "speak", story: store.story.id, scene, pace: store.likes?.best.pace || 1}, step => {
    if (step.kind === "spoken") { me.queue.push(step); me.wake?.(); }
  }, true).then(last => { me.done = true; me.wake?.(); return last; });
  while (now === me) {
    if (!me.queue.length) {
      if (me.done) break;
      await new Promise(next => { me.wake = next; });
      continue;
    }
    await play(me, me.queue.shift(), all);
  }
  if (now === me) { now = null; change("idle"); if (!(await making)) say(document.getElementById("said").textContent); }
}

async function play(me, {sound, words: places}, all) {
  const audio = me.audio = new Audio(`/made/${sound}`);
  const spans = places.map(([a, b]) => all.filter(e => e.dataset.a < b && e.dataset.b > a));
  const light = () => {
    if (now !== me) return;
    const t = audio.currentTime;
    spans.forEach((es, i) => es.forEach(e => e.classList.toggle("is-spoken", t >= places[i][2] && t < places[i][3])));
    if (!audio.ended) requestAnimationFrame(light);
  };
  await new Promise(done => {
    audio.addEventListener("ended", done);
    audio.addEventListener("error", done);
    audio.addEventListener("pause", () => { if (now !== me) done(); });
    if (!me.paused) audio.play().then(light, done); else audio.addEventListener("play", light, {once: true});
  });
  spans.flat().forEach(e => e.classList.remove("is-spoken"));
}
