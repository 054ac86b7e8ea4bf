// The many points behind the front, on a canvas.

function drawCloud(view, model, points) {
  const canvas = byId("cloud");
  const sharp = window.devicePixelRatio || 1;
  canvas.hidden = !points.length;
  if (!points.length) return;
  canvas.width = model.size.width * sharp;
  canvas.height = model.size.height * sharp;
  const context = canvas.getContext("2d");
  context.scale(sharp, sharp);
  const styles = getComputedStyle(document.documentElement);
  const colours = Array.from({ length: view.data.colours }, (_, i) => styles.getPropertyValue(`--c${i}`).trim());
  const paths = view.data.shapes.map((shape) => new Path2D(shapePath(shape, 3)));
  for (const point of [...points].sort((a, b) => a.within - b.within)) {
    context.globalAlpha = point.within ? 0.5 : 0.1;
    context.fillStyle = colours[point.variant.backbone % colours.length];
    context.translate(point.left, point.top);
    context.fill(paths[point.variant.module % paths.length]);
    context.translate(-point.left, -point.top);
  }
}
