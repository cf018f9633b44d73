// Sentences to word ids, as mmcourse.storyworld.Tokenizer makes them, with everyday words read as
// the world's. tests/book compares both on many sentences.

const TOKEN = /[\p{L}\p{N}]+(?:['-][\p{L}\p{N}]+)*|[^\p{L}\p{N}_\s]|_/gu;
const [START, END] = [1n, 2n];
const MOST = 126; // words that the text tower has room for, between [start] and [end]

export const tokens = (text) => text.toLowerCase().replaceAll("\u2019", "'").match(TOKEN) ?? [];

export function reader({ words, lexicon, kinds }) {
  const ids = new Map(words.map((word, id) => [word, BigInt(id)]));
  const everyday = new Map(Object.entries(lexicon));
  const longest = Math.max(...Object.keys(lexicon).map((phrase) => phrase.split(" ").length));
  const values = new Set(Object.values(kinds).flat());

  // The world's words for the first of these tokens, and how many tokens they stand for.
  function look(typed) {
    for (let n = Math.min(longest, typed.length); n > 0; n -= 1) {
      const phrase = typed.slice(0, n).join(" ");
      if (n === 1 && ids.has(phrase)) return [1, phrase];
      if (everyday.has(phrase)) return [n, everyday.get(phrase)];
    }
    const single = typed[0].replace(/e?s$/, "");
    if (ids.has(single)) return [1, single];
    return everyday.has(single) ? [1, everyday.get(single)] : [1, null];
  }

  function read(text) {
    const typed = tokens(text);
    const said = [];
    const swapped = [];
    const unknown = [];
    for (let i = 0; i < typed.length; ) {
      const [n, word] = look(typed.slice(i));
      const from = typed.slice(i, i + n).join(" ");
      if (word === null) unknown.push(from);
      else {
        if (word !== from) swapped.push([from, word]);
        said.push(...tokens(word));
      }
      i += n;
    }
    return { said: withArticles(said, values), swapped, unknown };
  }

  const encode = (said) => [START, ...said.slice(0, MOST).map((word) => ids.get(word)), END];
  return { read, encode };
}

// The model has read "an orange fox" a thousand times, and "a orange fox" never.
export function withArticles(said, values) {
  const fits = (next) => (/^[aeio]/.test(next) ? "an" : "a");
  return said.map((word, i) => {
    const article = (word === "a" || word === "an") && values.has(said[i + 1]);
    return article ? fits(said[i + 1]) : word;
  });
}
