"""Walk through a page by Tab, as a reader without a mouse does, and note where it leads.

The notes are taken in the page: whenever Tab is pressed, the element that then has the focus has
been scrolled to and laid out, so it is looked at just before the focus leaves it. Keys here come
faster than any hand: what is hidden at that moment, as by a list that is about to make room, is
looked at once more from the same place, when the page has had time to follow.
"""

from dataclasses import dataclass, field

from playwright.sync_api import Page

# What a mouse can use: links, controls, whatever declares itself a tab stop, whatever scrolls.
# A formula's menu is a mouse's alone by design: a page has hundreds, and they are text.
SETUP = """within => {
  const place = document.querySelector(within);
  const CONTROLS = "a[href], button, input, select, textarea, summary, [onclick], [tabindex]";
  const shown = e => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0
    && [...e.getClientRects()].some(r => r.width > 0 && r.height > 0);
  const scrolls = e => {
    if (e.scrollWidth <= e.clientWidth + 1 && e.scrollHeight <= e.clientHeight + 1) return false;
    const s = getComputedStyle(e), able = o => o === "auto" || o === "scroll";
    return (able(s.overflowX) && e.scrollWidth > e.clientWidth + 1)
      || (able(s.overflowY) && e.scrollHeight > e.clientHeight + 1);
  };
  const control = e => e.matches(CONTROLS) && !e.disabled && e.type !== "hidden"
    && !e.matches("[tabindex='-1']:not(a, button, input, summary), mjx-container");
  const walk = window.mmWalk = {seen: [], wrong: [], hidden: [], outside: [], back: false};
  walk.tell = e => e.outerHTML.replace(/\\s+/g, " ").slice(0, 140);
  walk.expected = () => [...place.querySelectorAll("*")].filter(e =>
    control(e) || (scrolls(e) && !e.querySelector("a[href], button, summary, input"))
  ).filter(shown);
  const covered = e => {
    const outside = r =>
      r.bottom <= 0 || r.top >= innerHeight || r.right <= 0 || r.left >= innerWidth;
    return [...e.getClientRects()].every(r => {
      if (outside(r)) return true;
      const points = [0.5, 0.1, 0.9].flatMap(x => [0.5, 0.15, 0.85].map(y => [x, y]));
      return points.every(([x, y]) => {
        const at = document.elementFromPoint(r.left + r.width * x, r.top + r.height * y);
        return !at || !(e.contains(at) || at.contains(e));
      });
    });
  };
  const hidden = e => covered(e) || !e.checkVisibility({opacityProperty: true});
  walk.lookAgain = async () => {
    for (const [e, y] of walk.hidden) {
      e.focus({preventScroll: true});
      scrollTo({top: y, behavior: "instant"});
      for (let tries = 0; tries < 40 && hidden(e); tries++)
        await new Promise(done => setTimeout(done, 50));
      if (hidden(e)) walk.wrong.push(`has the focus and is not seen: ${walk.tell(e)}`);
    }
  };
  const look = e => {
    if (!e || e === place || e === document.body || e === document.documentElement) return;
    if (walk.seen.includes(e)) { walk.back = true; return; }
    if (!place.contains(e)) { walk.outside.push(walk.tell(e)); return; }
    const last = walk.seen.at(-1);
    walk.seen.push(e);
    const s = getComputedStyle(e);
    if (last && !(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING))
      walk.wrong.push(`after ${walk.tell(last)} comes ${walk.tell(e)}, which stands before it`);
    if (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2)
      walk.wrong.push(`focus does not show on ${walk.tell(e)}`);
    if (hidden(e)) walk.hidden.push([e, scrollY]);
  };
  addEventListener("keydown", event => event.key === "Tab" && look(document.activeElement), true);
  if (place === document.body) document.activeElement.blur(); // a drawer has focused its first
}"""

MISSED = "() => mmWalk.expected().filter(e => !mmWalk.seen.includes(e)).map(mmWalk.tell)"


@dataclass
class Walk:
    """Where Tab led on a page: how many stops, what it never reached, what was wrong on the way."""

    stops: int = 0
    missed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)  # where it led out of the place walked
    wrong: list[str] = field(default_factory=list)


def walk_by_tab(page: Page, within: str = "body") -> Walk:
    """Press Tab from the top of the page, or of an open drawer, until it comes round again."""
    page.evaluate(SETUP, within)
    tab = page.context.new_cdp_session(page)
    key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
    most = 2 * page.evaluate("mmWalk.expected().length") + 20
    for pressed in range(most):
        tab.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        tab.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
        if pressed % 20 == 19 and page.evaluate("mmWalk.back"):
            break
    page.evaluate("mmWalk.lookAgain()")
    stops, outside, wrong = page.evaluate("[mmWalk.seen.length, mmWalk.outside, mmWalk.wrong]")
    return Walk(stops, page.evaluate(MISSED), outside, wrong)
