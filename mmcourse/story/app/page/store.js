/* What the page knows: the story that is open, what is liked, what can be chosen. */

import {work, Refused} from "./client.js";
import {say} from "./dom.js";

export const store = {story: null, at: 0, likes: null, abilities: {}, shelf: [], choices: null,
  tone: "", mood: null};

const listeners = new Set();
export const onStory = f => listeners.add(f);

/* Another state of the story came from the server. `at` is the page that is open. */
export function setStory(story, at = null) {
  store.story = story;
  store.at = at ?? story.current;
  listeners.forEach(f => f());
}

export const node = id => store.story?.nodes[String(id)];
export const here = () => node(store.at);
export const pageNumber = id => store.story.path.indexOf(id) + 1;

let busy = null;
export const isBusy = () => busy !== null;
export const stop = () => busy?.abort();

/* One thing at a time, with a bar that says what is being done and a button that stops it. With
   `quiet`, the page shows the progress itself. Gives the last sign, or null if it was stopped. */
export async function doing(job, onstep = () => {}, quiet = false) {
  if (busy) { say("One thing at a time: something is being made."); return null; }
  const box = document.getElementById("working"), controller = busy = new AbortController();
  const what = document.getElementById("working-what"), share = document.getElementById("working-share");
  what.textContent = "One moment";
  share.value = 0;
  box.hidden = quiet;
  document.querySelector("dialog[open]")?.append(box);  // what lies below a dialog cannot be pressed
  document.body.classList.add("is-busy");
  try {
    return await work(job, step => {
      if (step.message) what.textContent = step.message;
      if (step.share !== undefined) share.value = step.share;
      onstep(step);
    }, controller.signal);
  } catch (error) {
    if (error.name === "AbortError") say("Stopped.");
    else if (error instanceof Refused) say(sentence(error.message));
    else throw error;
    return null;
  } finally {
    busy = null;
    box.hidden = true;
    document.getElementById("said").before(box);
    document.body.classList.remove("is-busy");
  }
}

const sentence = text => text.slice(0, 1).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/* Something at once; what is refused is said. */
export async function trying(promise) {
  try { return await promise; } catch (error) {
    if (!(error instanceof Refused)) throw error;
    say(sentence(error.message));
    return null;
  }
}
