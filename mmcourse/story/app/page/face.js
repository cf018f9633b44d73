/* How somebody looks: painted portraits, and cut from the pages' pictures. */

import {el, pictureOf} from "./dom.js";
import {pageNumber} from "./store.js";

/* All that there is of somebody on the open path, in the order of its pages; on one page the painted one comes last. */
export const faces = p => [...p.seen, ...p.portraits.map(q => ({...q, painted: true}))]
  .sort((a, b) => pageNumber(a.scene) - pageNumber(b.scene));

/* A portrait, or that part of a page's picture in which they are; with `named` empty, an ornament. */
export function face(p, q, named = p.name) {
  const size = {width: 160, height: 160, loading: "lazy"};
  if (!q.crop) return el("img", {src: pictureOf(q), alt: named && (q.alt || named), ...size});
  const [x, y, side] = q.crop, shown = el("img", {src: pictureOf(q), alt: named && `${named}, ${q.mood}`});
  Object.assign(shown.style, {width: `${100 / side}%`, left: `${-100 * x / side}%`, top: `${-100 * y / side}%`});
  return el("span", {class: "face-of"}, shown);
}
