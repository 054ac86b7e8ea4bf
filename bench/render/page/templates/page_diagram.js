// How a variant is put together, from the axes of its spec: nothing here was measured.
//
// A network of our own: stages climb on the left, the module lies across the top, the FPN descends on the right.

const BOX = { width: 96, height: 26, left: 6, right: 218, top: 62, gap: 12 };

function drawNetwork(data, variant) {
  const spec = (axis) => specAt(data, variant, axis);
  const isOurs = (spec("network") ?? "frm") === "frm";
  const svg = draw("svg", {
    viewBox: isOurs ? "0 0 320 282" : "0 0 320 46", class: "diagram", role: "img", "aria-label": networkWords(variant, data),
  });
  const tip = draw("path", { d: "M0,0L7,3.5L0,7Z" });
  const marker = { id: "tip-of-arrow", viewBox: "0 0 7 7", refX: 6.5, refY: 3.5, markerWidth: 7, markerHeight: 7, orient: "auto" };
  svg.append(draw("defs", {}, draw("marker", marker, tip)), ...(isOurs ? pyramid(spec) : chain(spec)));
  return svg;
}

function networkWords(variant, data) {
  return `Block diagram: ${data.backbone.values[variant.backbone]}, ${data.module.values[variant.module]}`;
}

/** A network from elsewhere is one box: its parts are not in its spec. */
function chain(spec) {
  const [y, height] = [8, 30];
  const name = [spec("network"), spec("backbone")].filter(Boolean).join(", ");
  return [
    ...boxed(4, y, 50, height, "image", "io"), arrow(54, y + 15, 72, y + 15), ...boxed(72, y, 176, height, name, "body"),
    arrow(248, y + 15, 266, y + 15), ...boxed(266, y, 50, height, "classes", "io"),
  ];
}

function pyramid(spec) {
  const stages = spec("fused_stages") || [];
  const rows = [4, 3, 2, 1];
  const shapes = rows.flatMap((stage) => levelRow(spec, stage, stages));
  if (stages.length) shapes.push(...moduleShapes(spec, stages));
  shapes.push(...base(spec));
  return shapes;
}

function rowTop(stage) {
  return BOX.top + (4 - stage) * (BOX.height + BOX.gap);
}

/** A stage, its lateral to the FPN, its level. */
function levelRow(spec, stage, stages) {
  const y = rowTop(stage);
  const middle = y + BOX.height / 2;
  const every = spec("reenter") === "every";
  const replaced = stages.length > 0 && stage === 4 && !every && stages.includes(4);
  const level = `P${stage}, width ${spec("decoder_width") ?? "?"}`;
  const shapes = [
    ...boxed(BOX.left, y, BOX.width, BOX.height, `F${stage} at 1/${2 ** (stage + 1)}`, stages.includes(stage) ? "stage fused" : "stage"),
    ...boxed(BOX.right, y, BOX.width, BOX.height, level, "level"),
  ];
  if (!replaced) shapes.push(arrow(BOX.left + BOX.width, middle, BOX.right, middle, "lateral"));
  if (stage > 1) {
    const below = y + BOX.height + BOX.gap;
    shapes.push(arrow(BOX.left + 30, below, BOX.left + 30, y + BOX.height), arrow(BOX.right + 48, y + BOX.height, BOX.right + 48, below));
  }
  return shapes;
}

/** Lines from the fused stages up to the module, and where its map goes back in. */
function moduleShapes(spec, stages) {
  const context = spec("context") ?? "none";
  const said = [
    context === "none" ? "fused, no context" : context, spec("module_width") && `width ${spec("module_width")}`,
    spec("target_stride") && `at 1/${spec("target_stride")}`,
  ];
  const shapes = [...boxed(BOX.left, 8, 308, 30, `FRM: ${said.filter(Boolean).join(", ")}`, "module")];
  for (const stage of stages) {
    const x = BOX.left + BOX.width + 6 + (4 - stage) * 11;
    const y = rowTop(stage) + 6;
    shapes.push(draw("path", { class: "way", d: `M${BOX.left + BOX.width},${y}H${x}V38`, "marker-end": "url(#tip-of-arrow)" }));
  }
  const levels = spec("reenter") === "every" ? [4, 3, 2, 1] : [4];
  for (const level of levels) {
    const x = BOX.right - 14;
    const y = rowTop(level) + 6;
    shapes.push(draw("path", { class: "way", d: `M${x},38V${y}H${BOX.right}`, "marker-end": "url(#tip-of-arrow)" }));
  }
  return shapes;
}

/** The image below the stages, the head below the levels. */
function base(spec) {
  const y = rowTop(1) + BOX.height + BOX.gap + 4;
  const head = ["head", spec("head"), spec("head_width")].filter(Boolean).join(" ");
  return [
    ...boxed(BOX.left, y, BOX.width, 30, "image", "io"), arrow(BOX.left + 30, y, BOX.left + 30, rowTop(1) + BOX.height),
    ...boxed(BOX.right, y, BOX.width, 30, head, "level"), arrow(BOX.right + 48, rowTop(1) + BOX.height, BOX.right + 48, y),
    draw("text", { x: BOX.left, y: y + 44 }, `backbone ${spec("backbone") ?? ""}`),
  ];
}

function boxed(x, y, width, height, words, kind) {
  return [
    draw("rect", { x, y, width, height, rx: 4, class: kind }),
    draw("text", { x: x + width / 2, y: y + height / 2 + 4, "text-anchor": "middle" }, words),
  ];
}

function arrow(x1, y1, x2, y2, kind = "") {
  return draw("line", { x1, y1, x2, y2, class: kind, "marker-end": "url(#tip-of-arrow)" });
}
