// In the browser: all pages of the book in one document, ready to be printed or packed.
// tools/offline.py calls `offline.gather`, tools/epub.py `offline.pack`.

window.offline = (() => {
  // What only works, or only makes sense, on a page online.
  const WEB_ONLY = "script, noscript, button, a.headerlink, .mm-start, .mm-demo-call, link, template";

  const read = async (name) => {
    const address = new URL(`/${name}.html`, location.href);
    const answer = await fetch(address);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { address, page, article: page.querySelector("article.bd-article") };
  };

  // An id that is unique in the whole: two pages may both have a section "summary".
  const own = (key, id) => `${key}--${id}`.replace(/[^\w.-]/g, "-");

  function renameIds(article, key) {
    const names = new Set();
    for (const e of article.querySelectorAll("[id]")) {
      names.add(e.id);
      e.id = own(key, e.id);
    }
    for (const e of article.querySelectorAll("*")) {
      for (const a of [...e.attributes]) {
        if (a.value.includes("url(#")) {
          a.value = a.value.replace(/url\(#([^)]+)\)/g, (_, id) => `url(#${own(key, id)})`);
        } else if (e.localName !== "a" && /^(xlink:)?href$/.test(a.name) && a.value[0] === "#") {
          a.value = `#${own(key, a.value.slice(1))}`;
        } else if (/^(for|headers|aria-(labelledby|describedby|controls|details))$/.test(a.name)) {
          a.value = a.value.split(/\s+/).map((id) => own(key, id)).join(" ");
        }
      }
    }
  }

  // Links between pages lead inside the copy. What is not in it (a download) is no link there.
  function leadInside(article, address, keys) {
    for (const a of article.querySelectorAll("a[href]")) {
      const to = new URL(a.getAttribute("href"), address);
      if (to.origin !== location.origin) continue;
      const key = keys.get(to.pathname.replace(/^\//, "").replace(/\.html$/, ""));
      if (key === undefined) {
        a.replaceWith(...a.childNodes);
        continue;
      }
      const id = decodeURIComponent(to.hash.slice(1));
      a.setAttribute("href", `#${id ? own(key, id) : key}`);
      a.removeAttribute("target");
    }
    for (const e of article.querySelectorAll("img[src]")) {
      e.src = new URL(e.getAttribute("src"), address);
      e.removeAttribute("loading");
      e.removeAttribute("fetchpriority");
    }
  }

  const make = (tag, attributes, ...children) => {
    const e = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
    e.append(...children);
    return e;
  };

  // A folded answer moves to the end of its page, so that paper does not give it away beside its
  // question. What else is folded (`details` with a class: a list, a cell's code) opens in place.
  function unfold(article, key) {
    const answers = make("ol", { class: "mm-answers" });
    for (const fold of article.querySelectorAll("details, .admonition.dropdown")) {
      const head = fold.querySelector("summary, .admonition-title");
      const word = head?.textContent.trim() ?? "";
      if (fold.localName === "details" && fold.className) {
        head.remove();
        const title = make("p", { class: "mm-unfolded-title" }, ...head.childNodes);
        fold.replaceWith(make("div", { class: `mm-unfolded ${fold.className}` }, title, ...fold.childNodes));
        continue;
      }
      const number = answers.children.length + 1;
      const [here, there] = [`${key}--fold-${number}`, `${key}--answer-${number}`];
      const title = `${fold.localName === "details" ? word : "Answer"} ${number}`;
      const pointer = make("p", { class: "mm-to-answer", id: here });
      pointer.append(make("a", { href: `#${there}` }, title), ", at the end of this part");
      const back = make("p", { class: "mm-answer-title" }, make("a", { href: `#${here}` }, title));
      let hidden = [...fold.childNodes].filter((n) => n !== head);
      if (fold.localName === "details") {
        fold.replaceWith(pointer);
      } else { // an admonition asks in italics and then answers
        const asks = (n) => n.localName === "p" && [...n.childNodes].every(
          (c) => c.localName === "em" || !c.textContent.trim());
        const start = hidden.findIndex((n) => n.nodeType === 1 && !asks(n));
        hidden = hidden.slice(start);
        fold.classList.remove("dropdown");
        fold.append(pointer);
      }
      answers.append(make("li", { id: there }, back, ...hidden));
    }
    if (!answers.children.length) return;
    const section = make("section", { id: `${key}--answers` }, make("h2", {}, "Answers"), answers);
    (article.querySelector("section") ?? article).append(section);
  }

  // The scripts that typeset formulas, as a page with formulas loads them, of whatever version.
  async function typeset(sources) {
    for (const { address, scripts } of sources) {
      for (const old of scripts) {
        const script = document.createElement("script");
        script.textContent = old.textContent;
        if (!old.src) { document.head.append(script); continue; }
        script.src = new URL(old.getAttribute("src"), address);
        await new Promise((done, fail) => {
          script.onload = done;
          script.onerror = () => fail(new Error(`cannot load ${script.src}`));
          document.head.append(script);
        });
      }
    }
    await window.MathJax?.startup.promise;
  }

  // WebP is for the web: print shops and older readers know JPEG.
  async function asJpeg(image) {
    await image.decode();
    const canvas = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
    image.src = canvas.toDataURL("image/jpeg", 0.88);
    await image.decode();
  }

  const words = (heading) => {
    const copy = heading.cloneNode(true);
    copy.querySelectorAll("mjx-assistive-mml").forEach((e) => e.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  };

  async function gather(pages) {
    const keys = new Map(pages.map(({ name, key }) => [name, key]));
    const main = make("main", { class: "bd-main mm-whole" });
    const titles = [];
    let formulas = [];
    for (const [number, { name, key }] of pages.entries()) {
      const { address, page, article } = await read(name);
      if (!article) throw new Error(`${name}.html has no article.bd-article`);
      if (number === 0) {
        for (const link of page.querySelectorAll('link[rel="stylesheet"]')) {
          link.href = new URL(link.getAttribute("href"), address);
          document.head.append(document.adoptNode(link));
        }
      }
      const mathjax = [...page.querySelectorAll("script")].filter((s) =>
        /mathjax/i.test(s.getAttribute("src") ?? s.textContent.slice(0, 200)));
      if (!formulas.length && mathjax.some((s) => s.src)) formulas = [{ address, scripts: mathjax }];
      article.querySelectorAll(WEB_ONLY).forEach((e) => e.remove());
      renameIds(article, key);
      leadInside(article, address, keys);
      unfold(article, key);
      article.id = key;
      titles.push(page.title.replace(/ \u2014 [^\u2014]*$/, ""));
      main.append(document.adoptNode(article));
    }
    document.body.append(main);
    const ids = new Set([...document.querySelectorAll("[id]")].map((e) => e.id));
    const broken = [...main.querySelectorAll('a[href^="#"]')]
      .filter((a) => !ids.has(a.getAttribute("href").slice(1)))
      .map((a) => `${a.getAttribute("href")} in ${a.closest("article").id}`);
    const headings = [...main.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((h, i) => {
      const place = h.closest("article section") ?? h;
      place.id ||= `${h.closest("article").id}--heading-${i}`;
      return { page: h.closest("article").id, id: place.id, level: Number(h.localName[1]), text: words(h) };
    });
    await typeset(formulas);
    await document.fonts.ready;
    await Promise.all([...document.images].filter((i) => /\.webp\b/.test(i.src)).map(asJpeg));
    return { broken: [...new Set(broken)], titles, headings };
  }

  // Where Unicode keeps the letters that a formula sets in another alphabet: A, a, 0.
  const ALPHABETS = {
    bold: [0x1d400, 0x1d41a, 0x1d7ce],
    "bold-italic": [0x1d468, 0x1d482],
    script: [0x1d49c, 0x1d4b6],
    fraktur: [0x1d504, 0x1d51e],
    "double-struck": [0x1d538, 0x1d552, 0x1d7d8],
    "sans-serif": [0x1d5a0, 0x1d5ba, 0x1d7e2],
    monospace: [0x1d670, 0x1d68a, 0x1d7f6],
  };
  const EARLIER = { // letters that Unicode had before it had their alphabet
    script: { B: "ℬ", E: "ℰ", F: "ℱ", H: "ℋ", I: "ℐ", L: "ℒ", M: "ℳ", R: "ℛ", e: "ℯ", g: "ℊ", o: "ℴ" },
    fraktur: { C: "ℭ", H: "ℌ", I: "ℑ", R: "ℜ", Z: "ℨ" },
    "double-struck": { C: "ℂ", H: "ℍ", N: "ℕ", P: "ℙ", Q: "ℚ", R: "ℝ", Z: "ℤ" },
  };

  // MathML Core knows no `mathvariant` but "normal": there an L would stand for a script L.
  function inOwnAlphabet(e) {
    const variant = e.getAttribute("mathvariant");
    if (!(variant in ALPHABETS)) return;
    const [upper, lower, digit] = ALPHABETS[variant];
    e.removeAttribute("mathvariant");
    e.textContent = [...e.textContent].map((c) => {
      if (EARLIER[variant]?.[c]) return EARLIER[variant][c];
      for (const [first, start, last] of [["A", upper, "Z"], ["a", lower, "z"], ["0", digit, "9"]]) {
        if (start && c >= first && c <= last) {
          return String.fromCodePoint(start + c.charCodeAt(0) - first.charCodeAt(0));
        }
      }
      return c;
    }).join("");
  }

  // Formulas as MathML: MathJax's own tree, without what it keeps there for itself.
  function mathml() {
    for (const item of window.MathJax?.startup.document.math ?? []) {
      const text = MathJax.startup.toMML(item.root);
      const math = new DOMParser().parseFromString(text, "text/xml").documentElement;
      for (const e of [math, ...math.querySelectorAll("*")]) {
        inOwnAlphabet(e);
        for (const a of [...e.attributes]) {
          if (/^(data-|class$|id$|href$)/.test(a.name)) e.removeAttribute(a.name);
        }
      }
      math.setAttribute("alttext", item.math.trim());
      item.typesetRoot.replaceWith(document.importNode(math, true));
    }
  }

  // Drawings become files: lighter pages, and colours that no longer come from the page. Sounds too.
  function asFiles(article) {
    const style = getComputedStyle(document.documentElement);
    const colour = (_, name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
    const files = [];
    const add = (kind, content) => {
      const folder = kind === "mp3" ? "sounds" : "pictures";
      files.push({ name: `${folder}/${article.id}-${files.length + 1}.${kind}`, content });
      return files.at(-1).name;
    };
    for (const svg of article.querySelectorAll("svg")) {
      if (svg.parentElement.closest("svg")) continue;
      const alt = svg.getAttribute("aria-label") ?? "";
      const box = svg.getBoundingClientRect();
      for (const a of ["role", "aria-label", "id", "class"]) svg.removeAttribute(a);
      svg.querySelectorAll("metadata").forEach((e) => e.remove());
      svg.style.color = "var(--mm-ink)";
      svg.style.background = "var(--mm-paper)";
      const text = new XMLSerializer().serializeToString(svg)
        .replace(/var\(\s*(--[\w-]+)\s*(?:,\s*([^()]*))?\)/g, colour);
      svg.replaceWith(make("img", { src: add("svg", text), alt, width: Math.round(box.width) }));
    }
    for (const image of article.querySelectorAll('img[src^="data:"]')) {
      const [, kind, data] = image.src.match(/^data:image\/(\w+);base64,(.*)$/);
      image.setAttribute("src", add(kind === "jpeg" ? "jpg" : kind, data));
    }
    for (const source of article.querySelectorAll("audio > source")) {
      const [, data] = source.getAttribute("src").match(/^data:audio\/wav;base64,(.*)$/);
      source.parentElement.replaceWith(make("audio", { controls: "controls", src: add("mp3", data) },
        "Your reader plays no sound; the page online does."));
    }
    return files;
  }

  // Every page as XHTML with the files of its pictures, links leading from file to file.
  function pack() {
    mathml();
    return [...document.querySelectorAll("main > article")].map((article) => {
      const files = asFiles(article);
      for (const a of article.querySelectorAll('a[href^="#"]')) {
        const target = document.getElementById(a.getAttribute("href").slice(1));
        const page = target.closest("article").id;
        a.setAttribute("href", `${page}.xhtml${page === target.id ? "" : `#${target.id}`}`);
      }
      const strange = document.createNodeIterator(article, NodeFilter.SHOW_COMMENT);
      for (let c = strange.nextNode(); c; c = strange.nextNode()) c.remove();
      return { key: article.id, xhtml: new XMLSerializer().serializeToString(article), files };
    });
  }

  return { gather, pack };
})();
