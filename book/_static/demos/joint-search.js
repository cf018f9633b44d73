// Chapter 1's demo: the text tower reads a sentence in the page, and held-out pictures are ranked
// by their cosine with it. Pictures were looked at once, when the book was built: only their
// vectors are here.

import { make } from "./make.js";
import { reader } from "./words.js";

const SHOWN = 12;
const still = matchMedia("(prefers-reduced-motion: reduce)");

export async function start(stage, load) {
  const [data, vectors, sheet, tower] = await Promise.all([
    load.json("data.json"),
    load.numbers("vectors.bin"),
    load.address("sheet.webp"),
    load.model("text.onnx"),
  ]);
  const { read, encode } = reader(data);
  const view = build(stage, data, sheet);
  let latest = 0;
  let places = null; // rank of each picture in the answer before

  async function answer() {
    const turn = (latest += 1);
    const { said, swapped, unknown } = read(view.field.value);
    view.chips(said, replace);
    const began = performance.now();
    const query = said.length ? await embed(encode(said)) : null;
    if (turn !== latest) return; // the reader has typed on
    const took = performance.now() - began;
    view.note(swapped, unknown, query && took);
    if (!query) return;
    const cosines = data.captions.map((_, i) => dot(query, vectors, i));
    const order = cosines.map((_, i) => i).sort((a, b) => cosines[b] - cosines[a]);
    view.rank(order.slice(0, SHOWN), cosines, places, said);
    places = order.reduce((ranks, i, rank) => ((ranks[i] = rank), ranks), []);
  }

  const embed = (ids) =>
    tower({
      ids: { type: "int64", data: BigInt64Array.from(ids), shape: [1, ids.length] },
      mask: { type: "bool", data: new Uint8Array(ids.length).fill(1), shape: [1, ids.length] },
    });

  function replace(said, i, word) {
    const changed = said.with(i, word);
    view.field.value = read(changed.join(" ")).said.join(" ").replace(/ ([,.;:!?])/g, "$1");
    view.keep = i;
    answer();
  }

  view.field.addEventListener("input", answer);
  view.examples((sentence) => {
    view.field.value = sentence;
    answer();
  });
  view.field.value = data.examples[0];
  await embed(encode([])); // the first run takes longer, and its time says nothing
  await answer();
}

function dot(query, vectors, i) {
  let sum = 0;
  for (let k = 0; k < query.length; k += 1) sum += query[k] * vectors[i * query.length + k];
  return sum;
}

function build(stage, data, sheet) {
  const rows = Math.ceil(data.captions.length / data.columns);
  const kindOf = new Map(
    Object.entries(data.kinds).flatMap(([kind, words]) => words.map((word) => [word, kind])),
  );
  const meant = (word) => data.synonyms[word] ?? word;
  const label = make("label", "mm-demo-label", "Type a sentence");
  const field = make("input", "mm-demo-field");
  Object.assign(field, { type: "text", maxLength: 200, spellcheck: false, autocomplete: "off" });
  label.append(field);
  const line = make("div", "mm-demo-chips");
  line.setAttribute("role", "group");
  line.setAttribute("aria-label", "The sentence, word by word");
  const tries = make("p", "mm-demo-tries", "Or try: ");
  const note = make("p", "mm-demo-note");
  note.setAttribute("role", "status");
  const list = make("ol", "mm-demo-results");
  list.setAttribute("aria-label", "The twelve pictures that match best, the best first");
  stage.append(label, line, tries, note, list);
  const cards = new Map();

  function card(i) {
    if (cards.has(i)) return cards.get(i);
    const item = make("li");
    const picture = make("span", "mm-demo-picture");
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", data.captions[i]);
    const [x, y] = [i % data.columns, Math.floor(i / data.columns)];
    picture.style.backgroundImage = `url(${sheet})`;
    picture.style.backgroundSize = `${100 * data.columns}% ${100 * rows}%`;
    picture.style.backgroundPosition =
      `${(100 * x) / (data.columns - 1)}% ${(100 * y) / (rows - 1)}%`;
    const score = make("span", "mm-demo-score");
    score.setAttribute("role", "img");
    const words = make("span", "mm-demo-words");
    item.dataset.picture = i;
    item.append(picture, score, words);
    cards.set(i, item);
    return item;
  }

  return {
    field,
    keep: null, // the chip that keeps the focus when the line is written anew

    examples(choose) {
      for (const sentence of data.examples) {
        const button = make("button", "", sentence);
        button.type = "button";
        button.addEventListener("click", () => choose(sentence));
        tries.append(button, " ");
      }
    },

    chips(said, replace) {
      line.replaceChildren(
        ...said.map((word, i) => {
          const value = meant(word);
          const kind = kindOf.get(value);
          const verb = kind === "action" && word !== value; // "sits" has no "waving" to become
          if (!kind || verb) return make("span", "", word);
          const select = make("select", `mm-kind-${kind}`);
          select.setAttribute("aria-label", `Exchange the ${kind}`);
          for (const other of data.kinds[kind]) {
            const own = other === value; // "furious" stays as it was typed
            select.append(new Option(own ? word : other, own ? word : other, own, own));
          }
          select.addEventListener("change", () => replace(said, i, select.value));
          if (this.keep === i) queueMicrotask(() => select.focus());
          return select;
        }),
      );
      this.keep = null;
    },

    note(swapped, unknown, took) {
      const parts = swapped.map(([from, to]) => `“${from}” is read as “${to}”.`);
      for (const word of unknown) parts.push(`StoryWorld has no “${word}”; it is left out.`);
      if (took === null) parts.push("Nothing to search for yet.");
      else {
        const pictures = `${data.captions.length} held-out pictures`;
        parts.push(`Read in ${Math.max(1, Math.round(took))} ms, and compared with ${pictures}.`);
      }
      note.textContent = parts.join(" ");
    },

    rank(order, cosines, places, said) {
      const asked = said.filter((word) => kindOf.has(meant(word)));
      const before = new Map(
        [...list.children].map((item) => [item, item.getBoundingClientRect()]),
      );
      list.replaceChildren(...order.map(card));
      order.forEach((i, rank) => {
        const item = card(i);
        const moved = places ? places[i] - rank : 0;
        const arrow = moved > 0 ? ` ▲${moved}` : moved < 0 ? ` ▼${-moved}` : "";
        const cosine = cosines[i].toFixed(2);
        item.children[1].textContent = `${cosine}${arrow}`;
        item.children[1].setAttribute("aria-label", `cosine ${cosine}, ${inWords(moved)}`);
        item.style.setProperty("--score", Math.max(0, cosines[i]));
        item.children[2].replaceChildren(
          ...asked.flatMap((word) => {
            const there = data.shown[i].includes(meant(word));
            const mark = make(there ? "span" : "s", "", word);
            if (!there) mark.setAttribute("aria-label", `not ${word}`);
            return [mark, " "];
          }),
        );
        slide(item, before.get(item));
      });
    },
  };
}

function inWords(moved) {
  if (moved === 0) return "where it was";
  return `${moved > 0 ? "up" : "down"} ${Math.abs(moved)} ${Math.abs(moved) === 1 ? "place" : "places"}`;
}

// Let a picture glide from where it was, or fade in.
function slide(item, from) {
  if (still.matches) return;
  const to = item.getBoundingClientRect();
  const path = from
    ? [{ transform: `translate(${from.x - to.x}px, ${from.y - to.y}px)` }, { transform: "none" }]
    : [{ opacity: 0 }, { opacity: 1 }];
  item.animate(path, { duration: 450, easing: "ease" });
}
