// Chapter 5's demo: a sentence becomes a picture, in the page. The tower and the student's own blocks
// read it once; four steps lead from noise to latents; the decoder draws them. The noise is made
// here, from a number that the reader can keep: the same number and the same words are the same
// picture.

import { completer } from "./complete.js";
import { make } from "./make.js";
import { reader, withArticles } from "./words.js";

export async function start(stage, load) {
  const [data, words, step, picture] = await Promise.all([
    load.json("data.json"),
    load.model("words.onnx"),
    load.model("step.onnx"),
    load.model("picture.onnx"),
  ]);
  const { read, encode } = reader(data);
  const complete = completer(data.phrases);
  const kinds = new Set(Object.values(data.kinds).flat());
  const view = build(stage, data);
  let latest = 0;

  async function draw() {
    const turn = (latest += 1);
    const { said, swapped, unknown } = read(view.field.value);
    if (!said.length) {
      view.note(swapped, unknown, "", null);
      return;
    }
    const seed = Number(view.seed.value);
    const drawn = withArticles(complete(said, uniform(seed + 1000)), kinds);
    const filled = drawn.length > said.length ? sentence(drawn) : "";
    const began = performance.now();
    const pixels = await paint(drawn, seed, () => turn === latest);
    if (!pixels) return; // the reader has asked for something else meanwhile
    view.show(pixels, sentence(drawn));
    view.note(swapped, unknown, filled, performance.now() - began);
  }

  async function paint(said, seed, wanted) {
    const ids = encode(said);
    const told = await words({
      ids: { type: "int64", data: BigInt64Array.from(ids), shape: [1, ids.length] },
    });
    const width = told.length / (ids.length + 1);
    const text = { type: "float32", data: told, shape: [1, ids.length + 1, width] };
    const shape = [1, ...data.shape];
    const x = normal(seed, data.shape.reduce((product, side) => product * side, 1));
    for (let i = 0; i + 1 < data.levels.length; i += 1) {
      const [here, there] = [data.levels[i], data.levels[i + 1]];
      const t = { type: "float32", data: Float32Array.of(1000 * here), shape: [1] };
      const velocity = await step({ x: { type: "float32", data: x, shape }, t, words: text });
      if (!wanted()) return null;
      for (let k = 0; k < x.length; k += 1) x[k] += (there - here) * velocity[k];
    }
    return picture({ z: { type: "float32", data: x, shape } });
  }

  view.form.addEventListener("submit", (event) => {
    event.preventDefault();
    draw();
  });
  view.another.addEventListener("click", () => {
    view.seed.value = (Number(view.seed.value) + 1) % 1000;
    draw();
  });
  view.examples((sentence) => {
    view.field.value = sentence;
    draw();
  });
  view.field.value = data.examples[0];
  await draw();
}

const sentence = (words) => words.join(" ").replace(/ ([,.])/g, "$1");

// Numbers in (0, 1) from a seed: mulberry32.
function uniform(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

// Standard normal numbers from a seed, by the transform of Box and Muller.
export function normal(seed, count) {
  const dice = uniform(seed);
  const out = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(dice()));
    const angle = 2 * Math.PI * dice();
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

function build(stage, data) {
  const form = make("form", "mm-demo-form");
  const label = make("label", "mm-demo-label", "Type a sentence");
  const field = make("input", "mm-demo-field");
  Object.assign(field, { type: "text", maxLength: 200, spellcheck: false, autocomplete: "off" });
  label.append(field);
  const numbered = make("label", "mm-demo-label", "Number of the noise");
  const seed = make("input", "mm-demo-field");
  Object.assign(seed, { type: "number", min: 0, max: 999, value: 0 });
  numbered.append(seed);
  const go = make("button", "", "Draw");
  go.type = "submit";
  const another = make("button", "", "Another one");
  another.type = "button";
  form.append(label, numbered, go, " ", another);
  const tries = make("p", "mm-demo-tries", "Or try: ");
  const canvas = make("canvas", "mm-demo-drawn");
  canvas.width = canvas.height = data.side;
  canvas.setAttribute("role", "img");
  canvas.style.cssText = "display:block;width:min(100%,20rem);aspect-ratio:1;margin-inline:auto";
  const note = make("p", "mm-demo-note");
  note.setAttribute("role", "status");
  stage.append(form, tries, canvas, note);

  return {
    form,
    field,
    seed,
    another,

    examples(choose) {
      for (const sentence of data.examples) {
        const button = make("button", "", sentence);
        button.type = "button";
        button.addEventListener("click", () => choose(sentence));
        tries.append(button, " ");
      }
    },

    show(pixels, said) {
      const area = data.side * data.side;
      const image = new ImageData(data.side, data.side);
      for (let i = 0; i < area; i += 1) {
        for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = 127.5 * (pixels[c * area + i] + 1);
        image.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
      canvas.setAttribute("aria-label", `Drawn: ${said}`);
    },

    note(swapped, unknown, filled, took) {
      const parts = swapped.map(([from, to]) => `“${from}” is read as “${to}”.`);
      for (const word of unknown) parts.push(`StoryWorld has no “${word}”; it is left out.`);
      if (filled) parts.push(`Dice say the rest: “${filled}”.`);
      if (took === null) parts.push("Nothing to draw yet.");
      else parts.push(`Drawn in ${(took / 1000).toFixed(1)} s, in ${data.levels.length - 1} steps.`);
      note.textContent = parts.join(" ");
    },
  };
}
