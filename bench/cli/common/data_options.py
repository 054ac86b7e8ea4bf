"""Options of data sets, as `NAME=VALUE` on the command line."""

from __future__ import annotations

from typing import Any


def read_data_option(text: str) -> tuple[str, Any]:
    """`width=128` -> ("width", 128); the value is YAML, as in a space file.

    Raises:
        UserError: it is not of this form.
    """
    import yaml

    from bench.errors import UserError
    from bench.yaml_file import load_yaml

    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--option {text!r} is not NAME=VALUE, such as width=128")
    try:
        return name, load_yaml(value)
    except yaml.YAMLError:
        raise UserError(f"--option {name}: {value!r} is no YAML value") from None
