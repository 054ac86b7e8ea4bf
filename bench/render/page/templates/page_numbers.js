// The numbers beside the points, each where it covers nothing, else nowhere.

const AROUND = [
  [0, -14], [14, -10], [-14, -10], [15, 4], [-15, 4], [0, 16], [12, 15], [-12, 15],
  [0, -20], [19, -14], [-19, -14], [20, 4], [-20, 4], [0, 22], [18, 18], [-18, 18],
];

function drawNumbers(view, model, points) {
  const group = draw("g", { class: "numbers", "aria-hidden": "true" });
  const all = model.points.length <= FEW;
  const named = points.filter((point) => all || point.onFront || isMarked(view, point.variant));
  const taken = [...points, ...model.networks].slice(0, 400).map((point) => {
    const r = point.variant && ringOf(view, point.variant) ? 13 : 7;
    return box(point.left, point.top, r, r);
  });
  for (const point of [...named].sort((a, b) => rank(view, b) - rank(view, a))) {
    const place = freePlace(model, point, taken);
    if (!place) continue;
    taken.push(place.box);
    const kind = point.onFront ? "front" : "";
    const attributes = { x: place.x, y: place.y + 4, "text-anchor": "middle", class: point.within ? kind : "out" };
    group.append(draw("text", attributes, String(point.variant.number)));
  }
  return group;
}

function freePlace(model, point, taken) {
  const half = 3.8 * String(point.variant.number).length;
  for (const [dx, dy] of AROUND) {
    const [x, y] = [point.left + dx + Math.sign(dx) * (half - 4), point.top + dy];
    const own = box(x, y, half, 6);
    if (isInside(model.size, own) && !taken.some((other) => overlaps(own, other))) return { x, y, box: own };
  }
  return null;
}

function box(x, y, halfWidth, halfHeight) {
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
}

function overlaps(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

function isInside(size, own) {
  return own.left > EDGE.left && own.right < size.width && own.top > 0 && own.bottom < size.height - EDGE.bottom;
}
