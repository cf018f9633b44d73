// Chapter 2's demo: a picture is a grid of code numbers. The reader paints cells of it with the
// codes of another picture, and the decoder draws in the page what the new grid says.

import { make } from "./make.js";

const CELLS = 16;
const PIXELS = 64;

export async function start(stage, load) {
  const [data, sheet, decode] = await Promise.all([
    load.json("data.json"),
    load.address("sheet.webp"),
    load.model("decode.onnx"),
  ]);
  let grid = [...data.codes[data.canvas]];
  let paint = data.paint;
  const before = []; // grids to go back to
  const view = build(stage, data, sheet);

  const draw = latest(async () => {
    const began = performance.now();
    const pixels = await decode({
      indices: { type: "int64", data: BigInt64Array.from(grid, BigInt), shape: [1, CELLS, CELLS] },
    });
    view.show(pixels);
    const own = data.codes[data.canvas];
    const changed = grid.filter((code, i) => code !== own[i]).length;
    view.note(changed, performance.now() - began);
  });

  function fill(cells) {
    const next = [...grid];
    for (const i of cells) next[i] = data.codes[paint][i];
    if (next.every((code, i) => code === grid[i])) return;
    grid = next;
    draw();
  }

  const remember = () => {
    before.push([...grid]);
    view.undo.disabled = false;
  };
  const stroke = (cells) => {
    remember();
    fill(cells);
  };

  view.undo.addEventListener("click", () => {
    grid = before.pop();
    if (!before.length) {
      view.canvas.focus({ preventScroll: true });
      view.undo.disabled = true;
    }
    draw();
  });
  view.regions((name) => stroke(name ? data.regions[paint][name] : grid.keys()));
  view.paints((i) => (paint = i), paint);
  view.brush(remember, fill);
  await draw(); // the first run takes longer, and its time says nothing
  await draw();
}

// Run the newest of several calls once the one before is done; those between are dropped.
function latest(work) {
  let running = null;
  let again = false;
  return async function call() {
    again = true;
    running ??= (async () => {
      while (again) {
        again = false;
        await work();
      }
      running = null;
    })();
    return running;
  };
}

function build(stage, data, sheet) {
  const easel = make("div", "mm-demo-easel");
  const canvas = make("canvas");
  Object.assign(canvas, { width: PIXELS, height: PIXELS, tabIndex: 0 });
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "The picture. Arrow keys move the brush, space paints.");
  const cursor = make("span", "mm-demo-cursor");
  cursor.hidden = true;
  easel.append(canvas, make("span", "mm-demo-grid"), cursor);

  const side = make("div", "mm-demo-palette");
  const sources = make("fieldset", "mm-demo-sources");
  sources.append(make("legend", "", "Paint with the codes of"));
  const parts = make("p", "mm-demo-tries", "Paint at once: ");
  const tools = make("p", "mm-demo-tries");
  const broad = make("input");
  broad.type = "checkbox";
  broad.checked = true;
  const label = make("label", "", " broad brush ");
  label.prepend(broad);
  const undo = make("button", "", "Undo");
  undo.type = "button";
  undo.disabled = true;
  tools.append(undo, " ", label);
  const note = make("p", "mm-demo-note");
  note.setAttribute("role", "status");
  side.append(sources, parts, tools, note);
  const desk = make("div", "mm-demo-desk");
  desk.append(easel, side);
  stage.append(desk);

  let at = [CELLS / 2, CELLS / 2]; // the brush: column, row
  const under = () => {
    const reach = broad.checked ? 1 : 0;
    const cells = [];
    for (let y = at[1] - reach; y <= at[1] + reach; y += 1) {
      for (let x = at[0] - reach; x <= at[0] + reach; x += 1) {
        if (x >= 0 && y >= 0 && x < CELLS && y < CELLS) cells.push(y * CELLS + x);
      }
    }
    return cells;
  };
  const move = (x, y) => {
    at = [x, y].map((place) => Math.min(CELLS - 1, Math.max(0, place)));
    const reach = broad.checked ? 1 : 0;
    const low = at.map((place) => Math.max(0, place - reach));
    const high = at.map((place) => Math.min(CELLS, place + reach + 1));
    const percent = (cells) => `${(100 * cells) / CELLS}%`;
    cursor.hidden = false;
    cursor.style.inset = "auto";
    cursor.style.left = percent(low[0]);
    cursor.style.top = percent(low[1]);
    cursor.style.width = percent(high[0] - low[0]);
    cursor.style.height = percent(high[1] - low[1]);
  };

  return {
    canvas,
    undo,

    show(pixels) {
      const image = new ImageData(PIXELS, PIXELS);
      const size = PIXELS * PIXELS;
      for (let i = 0; i < size; i += 1) {
        for (let channel = 0; channel < 3; channel += 1) {
          image.data[4 * i + channel] = Math.round(127.5 * (pixels[channel * size + i] + 1));
        }
        image.data[4 * i + 3] = 255;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    },

    note(changed, took) {
      const time = `Decoded in ${Math.max(1, Math.round(took))} ms.`;
      note.textContent = `${changed} of ${CELLS * CELLS} codes are not the first picture’s. ${time}`;
    },

    paints(choose, first) {
      data.captions.forEach((caption, i) => {
        const choice = make("label");
        const radio = make("input");
        Object.assign(radio, { type: "radio", name: "mm-demo-paint", value: i });
        radio.checked = i === first;
        radio.setAttribute("aria-label", caption);
        radio.addEventListener("change", () => choose(i));
        const picture = make("span", "mm-demo-picture");
        picture.style.backgroundImage = `url(${sheet})`;
        picture.style.backgroundSize = `${100 * data.captions.length}% 100%`;
        picture.style.backgroundPosition = `${(100 * i) / (data.captions.length - 1)}% 0`;
        choice.title = caption;
        choice.append(radio, picture);
        sources.append(choice);
      });
    },

    regions(paint) {
      const names = { sky: "its sky", land: "its land", animal: "its animal", "": "all of it" };
      for (const [name, text] of Object.entries(names)) {
        const button = make("button", "", text);
        button.type = "button";
        button.addEventListener("click", () => paint(name));
        parts.append(button, " ");
      }
    },

    brush(begin, fill) {
      const follow = (event) => {
        const box = canvas.getBoundingClientRect();
        const place = (offset, length) => Math.floor((CELLS * offset) / length);
        move(place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height));
      };
      canvas.addEventListener("pointerdown", (event) => {
        if (event.button !== 0) return;
        canvas.setPointerCapture(event.pointerId);
        follow(event);
        begin();
        fill(under());
      });
      canvas.addEventListener("pointermove", (event) => {
        follow(event);
        if (canvas.hasPointerCapture(event.pointerId)) fill(under());
      });
      canvas.addEventListener("pointerleave", () => {
        if (document.activeElement !== canvas) cursor.hidden = true;
      });
      canvas.addEventListener("focus", () => move(...at));
      canvas.addEventListener("blur", () => (cursor.hidden = true));
      broad.addEventListener("change", () => {
        if (!cursor.hidden) move(...at);
      });
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      canvas.addEventListener("keydown", (event) => {
        if (event.key in steps) move(...at.map((place, i) => place + steps[event.key][i]));
        else if (event.key === " " || event.key === "Enter") {
          begin();
          fill(under());
        } else return;
        event.preventDefault();
      });
    },
  };
}
