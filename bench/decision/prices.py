"""The user's file of prices and power: what a machine costs an hour, and what it draws."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.errors import UserError
from bench.settings.runtimes import Device
from bench.yaml_file import read_yaml
from bench.yaml_problems import problems_in_words


class MachinePrice(BaseModel):
    """What runs `streams` passes side by side, each as fast as was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: str = Field(min_length=1)
    """Part of the machine's id in the records."""
    device: Device
    price_per_hour: float = Field(gt=0)
    watts: float | None = Field(default=None, gt=0)
    """Under load; None: not known, and nothing is said of it where energy was not measured."""
    streams: int = Field(default=1, ge=1)


class Prices(BaseModel):
    """Of the machines that somebody has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    example: bool = False
    """Numbers that are nobody's: said with every result."""
    currency: str = Field(min_length=1, max_length=8)
    machines: tuple[MachinePrice, ...] = Field(min_length=1)

    def of(self, machine_id: str, device: str) -> MachinePrice:
        """The price of a machine that something was measured on.

        Raises:
            UserError: the file has none, or several.
        """
        found = [price for price in self.machines if price.machine in machine_id and price.device == device]
        if len(found) == 1:
            return found[0]
        known = ", ".join(f"{price.machine} ({price.device})" for price in self.machines)
        raise UserError(
            f"the prices have {len(found)} entries for {machine_id} ({device}); they are of: {known}. Name a part of "
            "its id under `machine`."
        )


def read_prices(path: Path) -> Prices:
    """Read the file.

    Raises:
        UserError: it cannot be read, or a key does not fit, with its line.
    """
    file = read_yaml(path)
    if not isinstance(file.content, dict):
        raise UserError(f"{path} is not a mapping of {', '.join(Prices.model_fields)}")
    try:
        return Prices.model_validate(file.content)
    except ValidationError as error:
        raise UserError(problems_in_words(file, Prices, error, "docs/examples/prices.yaml")) from None
