// Example predictions on a card: the images, what is true, this variant, and a rival that has some too.

function readExamples() {
  const element = document.getElementById("examples");
  return JSON.parse(element.textContent);
}

function exampleSection(view, variant, rivals) {
  const { examples } = view.data;
  if (!examples || !(variant.name in examples.maps)) return null;
  const rival = rivals.find((other) => other.name in examples.maps);
  const columns = [["image", examples.images], ["truth", examples.masks], ["this", examples.maps[variant.name]]];
  if (rival) columns.push([rival.label, examples.maps[rival.name]]);
  const head = make("tr", {}, ...columns.map(([title]) => make("th", { scope: "col" }, title)));
  const rows = examples.images.map((_, at) => make("tr", {}, ...columns.map(([title, pictures]) =>
    make("td", {}, make("img", { src: pictures[at], alt: `${title}, example ${at + 1}`, loading: "lazy" })))));
  return section("Predictions of validation images",
    make("div", { class: "wide" }, make("table", { class: "examples" }, make("thead", {}, head), make("tbody", {}, ...rows))),
    classKey(examples));
}

function classKey(examples) {
  const items = examples.classes.map((name, at) =>
    make("li", {}, make("i", { style: `background:rgb(${examples.colours[at].join(",")})` }), name));
  return make("ul", { class: "class-key" }, ...items, make("li", {}, make("i", { style: "background:#000" }), "void"));
}
