"""The JSON Schema of the space file agrees with what the loader takes and refuses."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from bench.errors import UserError
from bench.sweep.schema import space_schema
from bench.sweep.spacefile import load_space, shipped_spaces
from tests.conftest import TINY_SPACE
from variants.spec import known_axes

VALIDATOR = jsonschema.Draft202012Validator(space_schema())


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(space_schema())


def test_every_axis_is_described() -> None:
    properties = space_schema()["$defs"]["Axes"]["properties"]
    assert set(properties) == set(known_axes())
    assert all(axis["description"] for axis in properties.values())


@pytest.mark.parametrize("path", shipped_spaces().values(), ids=lambda path: path.stem)
def test_shipped_spaces_fit(path: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        TINY_SPACE.replace("context: [dnl]", "context: {values: [dnl], when: {backbone: lcnet_050}}"),
        TINY_SPACE.replace("module_width: [16]", "module_width: [16, x0.5]"),
        TINY_SPACE.replace("context: [dnl]", "context: [dnl, nonlocal]\n  reduction: [2, 4]\n  temperature: [0.1]"),
        TINY_SPACE.replace("axes:\n", "axes:\n- ", 1).replace("-   backbone", "- backbone"),
        TINY_SPACE + "  seeds: [0, 1]\n",
        TINY_SPACE.replace("samples: 10", "runtimes: [eager, onnxruntime], scope: argmax, batch: 2, samples: 9"),
    ],
)
def test_what_the_loader_takes_fits(tmp_path: Path, text: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    assert load_space(str(path)).specs
    VALIDATOR.validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "text",
    [
        TINY_SPACE.replace("context:", "contxt:"),
        TINY_SPACE.replace("context: [dnl]", "context: [dln]"),
        TINY_SPACE.replace("context: [dnl]", "context: dnl"),
        TINY_SPACE.replace("[3, 4]", "[3, 5]"),
        TINY_SPACE.replace("module_width: [16]", "module_width: [-3]"),
        TINY_SPACE.replace("restarts", "restart"),
        TINY_SPACE.replace("samples: 10", "samples: 1"),
        TINY_SPACE.replace("samples: 10", "runtimes: [onnx]"),
        TINY_SPACE.replace("samples: 10", "layout: nhwc"),
        TINY_SPACE + "extra: 1\n",
    ],
)
def test_what_the_loader_refuses_does_not_fit(tmp_path: Path, text: str) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    with pytest.raises(UserError):
        load_space(str(path))
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(yaml.safe_load(text))
