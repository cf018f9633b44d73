/* A page that is being made: the words come as they are written, the picture as it is drawn. */

import {button, el} from "./dom.js";
import {stop} from "./store.js";

export function making(title) {
  const words = el("div", {class: "words"}), what = el("p", {class: "what", role: "status"}, "Thinking");
  const share = el("progress", {max: 1, value: 0, "aria-label": "How much is done"});
  const plate = el("div", {class: "plate easel"}, el("div", {class: "brush-mark"}));
  const element = el("article", {class: "book is-making"},
    el("h1", {class: "running", tabindex: "-1"}, title),
    el("div", {class: "spread"},
      el("div", {class: "leaf left"}, plate, el("div", {class: "progress"}, what, share, button("stop", "Stop", stop, {class: "plain stop"}))),
      el("div", {class: "leaf right"}, words)));
  const step = s => {
    if (s.kind === "text") words.textContent += s.text;
    if (s.kind === "written" && s.text) words.textContent = s.text;
    if (s.message && s.kind !== "written") what.textContent = s.message;
    if (s.share !== undefined) share.value = s.share;
    if (s.picture) plate.replaceChildren(el("img", {src: `/made/${s.picture}`, alt: "The picture as it is being drawn"}));
  };
  return {element, step};
}
