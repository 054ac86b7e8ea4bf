"""What all settings have in common."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Setting(BaseModel):
    """With what something was measured. Keys hash its JSON, so what is None does not stand in it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, as they are hashed and stored."""
        return {name: value for name, value in self.model_dump(mode="json").items() if value is not None}

    def replace(self, **changes: Any) -> Self:
        """The same but for these fields.

        Raises:
            ValidationError: as `from_json`.
        """
        return type(self)(**dict(self) | changes)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            ValidationError: fields that are missing, are not of the setting, or have another type.
        """
        return cls.model_validate(data)
