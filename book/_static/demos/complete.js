// A brief sentence, filled in by dice: "a fox on the beach" has a colour, a mood and a weather too. A
// model that learned from complete captions draws a brief one as several answers at once. Words are
// only added, never changed, and nobody is added whom the sentence does not name.
// mmcourse.storyworld.completing does the same by a grammar; tests/book reads both with its parser.

export function completer(tables) {
  const split = (phrases) => phrases.map((phrase) => phrase.split(" "));
  const known = Object.fromEntries(
    Object.entries(tables.said).map(([kind, phrases]) => [kind, split(phrases)]),
  );
  const [animals, things] = [new Set(tables.animals), new Set(tables.things)];
  const colours = new Set(tables.colours);
  const at = (said, i, phrase) => phrase.every((word, k) => said[i + k] === word);
  const says = (said, kind) => said.some((_, i) => known[kind].some((p) => at(said, i, p)));

  // The sentence's words with what they leave open; `dice` gives numbers in [0, 1).
  return function complete(said, dice) {
    const pick = (values) => values[Math.floor(dice() * values.length)];
    const named = (nouns) =>
      said.flatMap((word, i) => {
        const article = nouns.has(word) ? begins(said, i) : -1;
        return article < 0 ? [] : [{ noun: i, article }];
      });
    const introduced = named(animals);
    const acts = says(said, "act");
    const quarrel = says(said, "quarrel");
    const asleep = says(said, "sleeping");
    const moods = quarrel ? ["angry"] : acts || asleep ? tables.resting : tables.moods;
    const related = says(said, "relation");
    const places = standing(said, introduced, pick);
    const open = {
      mood: !says(said, "mood"),
      action: !says(said, "action"),
      position: !says(said, "position") && places.length > 0,
    };
    // "a fox hugs an owl on the right" leaves open who is there: what is added comes afterwards.
    const later = introduced.length > 1 && (acts || related);
    const alike = new Set(introduced.map(({ noun }) => said[noun])).size < introduced.length;

    const before = new Map(); // place in the sentence -> words that go in front of it
    const behind = new Map();
    const after = [];
    for (const { noun, article } of [...introduced, ...named(things)]) {
      const between = said.slice(article + 1, noun);
      if (!between.some((word) => colours.has(word))) before.set(noun, [pick(tables.colours)]);
    }
    introduced.forEach(({ noun, article }, i) => {
      if (open.mood) before.set(article + 1, [pick(moods), ...(before.get(article + 1) ?? [])]);
      const added = later ? [".", "the", said[noun]] : [];
      if (open.action) added.push(...(acts ? "stands" : pick(tables.actions)).split(" "));
      if (open.position) added.push(...tables.where[places[i]].split(" "));
      if (!later) behind.set(noun, added);
      else if (open.action && !alike) after.push(...added);
    });
    const out = said.flatMap((word, i) => [...(before.get(i) ?? []), word, ...(behind.get(i) ?? [])]);
    if (!introduced.length) return out;
    const missing = ["place", "time", "weather"].filter((kind) => !says(said, kind));
    const setting = missing.flatMap((kind) => pick(tables.setting[kind]).split(" "));
    while (setting.length && [".", ","].includes(out.at(-1))) out.pop();
    return [...out, ...(setting.length ? [",", ...setting] : []), ...after];
  };

  // Where each of those introduced stands; none where that takes a grammar to tell. "A fox left of
  // an owl" says it of both: who is named first stands on that side. A thing may lie beyond anybody.
  function standing(said, introduced, pick) {
    const count = introduced.length;
    const where = (kind) => said.findIndex((_, i) => known[kind].some((p) => at(said, i, p)));
    const [left, right, relation] = [where("left of"), where("right of"), where("relation")];
    if (relation < 0 || count < 2) {
      return { 1: [pick(tables.positions)], 2: ["left", "right"], 3: tables.positions }[count] ?? [];
    }
    if ((left >= 0 && right >= 0) || count > 2) return [];
    const between = introduced[0].noun < relation && relation < introduced[1].noun;
    return between ? (right < 0 ? ["left", "right"] : ["right", "left"]) : [];
  }

  // Where the article of the noun at i stands, or -1 if it has none: "the fox" is known already.
  function begins(said, i) {
    for (let k = i - 1; k >= 0 && k > i - 5; k -= 1) {
      if (said[k] === "a" || said[k] === "an") return k;
      if (!colours.has(said[k]) && !known.mood.some((p) => p.length === 1 && p[0] === said[k])) {
        if (!tables.adjectives.includes(said[k])) return -1;
      }
    }
    return -1;
  }
}
